"""Service level objectives: what those who use Urbanclear may count on; docs/on-call.md explains each.

Every part tells Prometheus of them, so that its rules and dashboards need not repeat them, and so that they are known
while a part is away.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from prometheus_client import Gauge

from urbanclear.settings import Settings

#: The API's routes whose requests are not judged: those of probes, and those of Prometheus itself.
NOT_JUDGED: Final = ("live", "ready", "health", "metrics")
#: Over which an objective is kept, and its error budget spent.
WINDOW: Final = timedelta(days=30)


@dataclass(frozen=True)
class Objective:
    """`target` is the share of requests, or of the time, that is good; `threshold_s` is what is no longer good."""

    name: str
    target: float
    threshold_s: float | None = None


AVAILABILITY: Final = Objective("availability", 0.999)
LATENCY: Final = Objective("latency", 0.99, 0.5)
FRESHNESS: Final = Objective("freshness", 0.99)
FORECASTS: Final = Objective("forecasts", 0.99, 180.0)


def objectives(settings: Settings) -> tuple[Objective, ...]:
    """All of them; how old the newest reading may be is up to the city's feeds, and so to `settings`."""
    freshness = replace(FRESHNESS, threshold_s=settings.slo_freshness.total_seconds())
    return AVAILABILITY, LATENCY, freshness, FORECASTS


@dataclass(frozen=True)
class Burn:
    """An error budget spent `rate` times as fast as it would last, over a long window and still over a short one."""

    rate: float
    long: str
    short: str
    severity: str


#: What alerts fire at, after the table of chapter 5 of Google's Site Reliability Workbook.
BURNS: Final = (
    Burn(14.4, "1h", "5m", "page"),
    Burn(6, "6h", "30m", "page"),
    Burn(3, "1d", "2h", "ticket"),
    Burn(1, "3d", "6h", "ticket"),
)

TARGET: Final = Gauge("urbanclear_slo_target_ratio", "Share of requests, or of the time, that is to be good", ["slo"])
THRESHOLD: Final = Gauge("urbanclear_slo_threshold_seconds", "What takes longer, or is older, is not good", ["slo"])


def tell(settings: Settings) -> None:
    """Set the gauges."""
    for objective in objectives(settings):
        TARGET.labels(objective.name).set(objective.target)
        if objective.threshold_s is not None:
            THRESHOLD.labels(objective.name).set(objective.threshold_s)
