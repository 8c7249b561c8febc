"""The dashboards, a module each, in the order in which people come to them."""

from collections.abc import Callable
from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard

from grafana.boards import city_now, slo, system

BOARDS: Final[dict[str, Callable[[], Dashboard]]] = {
    "city_now": city_now.build,
    "system": system.build,
    "slo": slo.build,
}
