"""A row of the table `insights`, and the words that its columns use."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

Kind = Literal[
    "total", "worst_delay", "worst_reliability", "incident_cost", "mover_worse", "mover_better", "bottleneck"
]

VEHICLE_HOURS: Final = "vehicle hours"
SECONDS: Final = "seconds per vehicle"
MINUTES: Final = "active minutes"
TRAVEL_TIME_INDEX: Final = "travel time index"
PLANNING_TIME_INDEX: Final = "planning time index"
BUFFER_INDEX: Final = "buffer index"
INCIDENTS: Final = "incidents"

#: Subjects of the rows of kind `total`; those of an index are called as their unit is.
DELAY: Final = "delay"
DELAY_COST: Final = "cost of delay"
INCIDENT_DELAY: Final = "delay by incidents"
INCIDENT_COST: Final = "cost of incidents"


@dataclass(frozen=True)
class Insight:
    """One finding; `before` is the same figure of the span before, None where the two cannot be compared.

    `detail` always has `good_share`, the share of good readings behind the figure, None where it is not known.
    """

    kind: Kind
    subject: str
    value: float
    unit: str
    before: float | None = None
    detail: dict[str, Any] = field(default_factory=dict)
    rank: int = 0


def ranked(insights: Iterable[Insight]) -> list[Insight]:
    """The same with ranks 1, 2, … in the order given."""
    return [replace(insight, rank=rank) for rank, insight in enumerate(insights, 1)]


def highest(insights: Iterable[Insight], count: int) -> list[Insight]:
    """The `count` with the highest values, ranked; equals in the order of their names."""
    return ranked(sorted(insights, key=lambda insight: (-insight.value, insight.subject))[:count])


def of_kind(insights: Sequence[Insight], kind: Kind) -> list[Insight]:
    """Those of one kind, by rank."""
    return sorted((insight for insight in insights if insight.kind == kind), key=lambda insight: insight.rank)
