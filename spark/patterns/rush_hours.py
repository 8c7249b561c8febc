"""Rush hours, found in a profile rather than assumed: stretches of the day well below what the road does when it is
free.

The free speed is the 95th percentile of the profile's medians. A rush lasts while the median is more than half-way
down to the day's slowest, is at least half an hour long and at least 15 % below free; shorter pauses than an hour do
not end it.
"""

from typing import Any, Final

import numpy as np

from spark.calendar import QUARTER
from urbanclear.public_holidays import DAY_TYPES

FREE: Final = 0.95
LEAST_DEPTH: Final = 0.15
LEAST_QUARTERS: Final = 2
PAUSE_QUARTERS: Final = 3
LEAST_OF_DAY: Final = 0.5  # of its quarters, to know when it was slow


def rush_hours(profile: np.ndarray) -> list[dict[str, Any]]:
    """Of one subject's speeds, a row a kind of day and a column a quarter of an hour, NaN where none is known; each
    with its `depth`, the share of free speed that is lost."""
    found = []
    for day_type, speeds in zip(DAY_TYPES, profile, strict=True):
        known = ~np.isnan(speeds)
        minutes = np.flatnonzero(known) * QUARTER
        found += [{"day_type": day_type, **rush} for rush in _of_day(minutes, speeds[known])]
    return found


def _of_day(minutes: np.ndarray, speeds: np.ndarray) -> list[dict[str, Any]]:
    if len(minutes) < LEAST_OF_DAY * 24 * 60 / QUARTER:
        return []
    free, slowest = float(np.quantile(speeds, FREE)), float(speeds.min())
    if free <= 0:
        return []
    slow = minutes[speeds < (free + slowest) / 2]
    breaks = np.flatnonzero(np.diff(slow) > (PAUSE_QUARTERS + 1) * QUARTER) + 1
    rushes = []
    for stretch in np.split(slow, breaks):
        within = (minutes >= stretch[0]) & (minutes <= stretch[-1]) if len(stretch) else np.zeros(len(minutes), bool)
        if within.sum() < LEAST_QUARTERS:
            continue
        at = int(np.argmin(np.where(within, speeds, np.inf)))
        depth = 1 - float(speeds[at]) / free
        if depth >= LEAST_DEPTH:
            rushes.append(
                {
                    "from_minute": int(stretch[0]),
                    "to_minute": int(stretch[-1]) + QUARTER,
                    "slowest_minute": int(minutes[at]),
                    "depth": round(depth, 3),
                }
            )
    return rushes
