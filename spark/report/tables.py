"""The report's tables: which columns each has, and how an insight becomes a row of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from spark.insights.insight import BUFFER_INDEX, VEHICLE_HOURS, Insight, Kind, of_kind
from spark.insights.parameters import Parameters
from spark.report.wording import UNKNOWN, amount, figure, named

ROWS: Final = 5
BY_DELAY: Final = 3
Row = tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """Rows of text; `empty` stands in their place where there are none."""

    title: str
    columns: Row
    rows: Sequence[Row]
    empty: str


def tables(insights: Sequence[Insight], parameters: Parameters) -> list[Table]:
    """In the order of the page."""
    zone = ZoneInfo(parameters.time_zone)

    def rows(kind: Kind, row: Callable[[Insight], Row]) -> list[Row]:
        return [row(insight) for insight in of_kind(insights, kind)[:ROWS]]

    moved = ("Corridor", "Figure", "Now", "Before")
    return [
        Table(
            "Least reliable corridors",
            ("Corridor", "Planning time", "Before", "Buffer", "Worst in"),
            rows("worst_reliability", _reliability),
            "No travel times of corridors are known.",
        ),
        Table(
            "Incidents that cost the most",
            ("Incident", "Began", "Delay", "Cost"),
            rows("incident_cost", lambda insight: _incident(insight, zone)),
            "No incident has a known cost.",
        ),
        Table(
            "Got worse",
            moved,
            [*map(_mover, _moved(insights, "mover_worse"))],
            "No corridor that can be compared got worse.",
        ),
        Table(
            "Got better",
            moved,
            [*map(_mover, _moved(insights, "mover_better"))],
            "No corridor that can be compared got better.",
        ),
        Table(
            "Bottlenecks",
            ("Head of the queue", "Days", "Active", "Delay"),
            rows("bottleneck", _bottleneck),
            "No bottleneck was active.",
        ),
    ]


def _reliability(insight: Insight) -> Row:
    buffer = figure(insight.detail["buffer_index"], BUFFER_INDEX)
    value, before = (figure(each, insight.unit) for each in (insight.value, insight.before))
    return named(insight.subject), value, before, buffer, insight.detail["worst_period"] or UNKNOWN


def _incident(insight: Insight, zone: ZoneInfo) -> Row:
    began = datetime.fromisoformat(insight.detail["started_at"]).astimezone(zone)
    hours = figure(insight.detail["vehicle_hours"], VEHICLE_HOURS)
    cost = figure(insight.value, insight.unit)
    return named(insight.subject), f"{began:%a} {began.day}, {began:%H:%M}", hours, cost


def _moved(insights: Sequence[Insight], kind: Kind) -> list[Insight]:
    """Those by delay and those by travel time index, three to two, or as many as there are."""
    found = of_kind(insights, kind)
    by_index = [insight for insight in found if insight.unit != VEHICLE_HOURS]
    by_delay = [insight for insight in found if insight.unit == VEHICLE_HOURS][: max(BY_DELAY, ROWS - len(by_index))]
    return [*by_delay, *by_index][:ROWS]


def _mover(insight: Insight) -> Row:
    what = "delay" if insight.unit == VEHICLE_HOURS else insight.unit
    return named(insight.subject), what, figure(insight.value, insight.unit), figure(insight.before, insight.unit)


def _bottleneck(insight: Insight) -> Row:
    detail = insight.detail
    delay = figure(insight.value, insight.unit) if insight.unit == VEHICLE_HOURS else UNKNOWN
    corridor, head = detail["corridor"] or "", insight.subject
    place = head if corridor in head else f"{head}, {corridor}"
    return named(place), f"{detail['days']}", f"{amount(detail['active_minutes'] / 60)} h", delay
