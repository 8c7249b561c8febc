"""The dashboards, a module each, in the order in which people come to them."""

from collections.abc import Callable
from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard

from grafana.boards import (
    city_now,
    corridor,
    data_quality,
    forecast_skill,
    incidents,
    patterns,
    reliability,
    sensor,
    slo,
    system,
)

BOARDS: Final[dict[str, Callable[[], Dashboard]]] = {
    "city_now": city_now.build,
    "corridor": corridor.build,
    "sensor": sensor.build,
    "incidents": incidents.build,
    "reliability": reliability.build,
    "forecast_skill": forecast_skill.build,
    "data_quality": data_quality.build,
    "patterns": patterns.build,
    "system": system.build,
    "slo": slo.build,
}
