"""The corridors that changed most against the span before, for the worse and for the better.

First those whose vehicle hours of delay changed most, then others whose travel time index did: the first find what
costs the city, the second also a short road that has become slow, and roads where vehicles are not counted.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from spark.insights.comparison import T, comparable
from spark.insights.insight import TRAVEL_TIME_INDEX, VEHICLE_HOURS, Insight, Kind, ranked
from spark.insights.measures import Compared, Delay, Reliability
from spark.insights.parameters import Parameters

LEAST_CHANGE: Final = 0.01
"""Share of the figure before; less is no news."""

Change = tuple[str, float, float, float | None]
"""Subject, value now and before, and the share of good readings."""


def movers(delay: Compared[Delay], reliability: Compared[Reliability], parameters: Parameters) -> list[Insight]:
    """Up to `top` in each direction by each of the two figures; a corridor is named once in a direction."""
    by_delay = [*_changes(delay, lambda corridor: corridor.vehicle_hours)]
    by_index = [*_changes(reliability, lambda corridor: corridor.travel_time_index)]
    found = []
    directions: tuple[tuple[Kind, int], ...] = (("mover_worse", 1), ("mover_better", -1))
    for kind, sign in directions:
        first = _most(by_delay, sign, parameters.top)
        named = {change[0] for change in first}
        second = _most([change for change in by_index if change[0] not in named], sign, parameters.top)
        found += ranked(
            [
                *[_insight(kind, change, VEHICLE_HOURS) for change in first],
                *[_insight(kind, change, TRAVEL_TIME_INDEX) for change in second],
            ]
        )
    return found


def _changes(compared: "Compared[T]", figure: Callable[[T], float | None]) -> Iterator[Change]:
    for subject, corridor in compared.now.items():
        former = comparable(corridor, compared.before.get(subject))
        now, before = figure(corridor), figure(former) if former else None
        if now is not None and before is not None and abs(now - before) > LEAST_CHANGE * before:
            yield subject, now, before, corridor.good_share


def _most(changes: Sequence[Change], sign: int, count: int) -> list[Change]:
    """Those that changed most in the direction of `sign`."""
    moved = [change for change in changes if sign * (change[1] - change[2]) > 0]
    return sorted(moved, key=lambda change: (-sign * (change[1] - change[2]), change[0]))[:count]


def _insight(kind: Kind, change: Change, unit: str) -> Insight:
    subject, now, before, good_share = change
    detail = {"good_share": good_share, "change": now - before}
    return Insight(kind, subject, now, unit, before, detail)
