"""What was found day by day: how slow the city was, how much of that the drops cover, how many sensors had one."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np

from spark.anomalies.stretches import LEAST_CHANGE
from spark.review.observed import Observed


@dataclass(frozen=True)
class Day:
    """Shares are of the 5 minutes with a speed and a normal one, of all sensors."""

    day: date
    speed_ratio: float
    """Median of the speeds over the normal ones."""
    slow: float
    """Share at which the speed is as far below normal as a drop must be."""
    dropped: float
    """Share within a drop."""
    slow_in_drop: float
    """Share of the slow that is within a drop."""
    drops: int
    """That began."""
    sensors: int
    """At which a drop began."""
    most_at_once: int
    """Sensors within a drop at one time."""


def by_day(city: Observed) -> Iterator[Day]:
    """Each day of the city."""
    with np.errstate(invalid="ignore"):
        ratios, dropping = city.speeds / city.normal, city.dropping()
    for day in city.days:
        columns = city.columns_of(day)
        known = ~np.isnan(ratios[:, columns])
        slow = known & (ratios[:, columns] <= 1 - LEAST_CHANGE)
        dropped = known & dropping[:, columns]
        begun = [drop.row for drop in city.drops if columns[0] <= drop.first <= columns[-1]]
        yield Day(
            day,
            speed_ratio=float(np.median(ratios[:, columns][known])) if known.any() else float("nan"),
            slow=_share(slow, known),
            dropped=_share(dropped, known),
            slow_in_drop=_share(slow & dropped, slow),
            drops=len(begun),
            sensors=len({*begun}),
            most_at_once=int(dropped.sum(axis=0).max()),
        )


def _share(part: np.ndarray, whole: np.ndarray) -> float:
    return float(part.sum() / whole.sum()) if whole.any() else 0.0
