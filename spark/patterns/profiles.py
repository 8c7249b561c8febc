"""The normal band: for each kind of day and quarter of an hour the median and the 10th and 90th percentile of the
days.

Percentiles are exact, between the two nearest days where they fall between them (as SQL's `percentile_cont`).
"""

from collections.abc import Iterator
from dataclasses import astuple, dataclass
from typing import Any, Final

import numpy as np

from spark.calendar import QUARTER, QUARTERS
from urbanclear.public_holidays import DAY_TYPES

LOWER, MEDIAN, UPPER = 0.1, 0.5, 0.9
SHAPE: Final = (len(DAY_TYPES), len(QUARTERS))


@dataclass(frozen=True)
class Profile:
    """A row a kind of day, a column a quarter of an hour; NaN where nothing is known. Speeds in km/h, the median of
    volumes in vehicles/h, and how many days are behind the speed."""

    lower: np.ndarray
    speed: np.ndarray
    upper: np.ndarray
    volume: np.ndarray
    days: np.ndarray

    @classmethod
    def of(cls, flat: np.ndarray) -> "Profile":
        """From what `flat` gave."""
        return cls(*np.asarray(flat).reshape(-1, *SHAPE))

    def flat(self) -> np.ndarray:
        """All of it as one array."""
        return np.stack(astuple(self)).ravel()

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Kind of day, minute of the day, and each array's value where the speed is known; None where another is
        not."""
        for kind, quarter in np.argwhere(~np.isnan(self.speed)).tolist():
            lower, speed, upper, volume, days = (float(values[kind, quarter]) for values in astuple(self))
            known = None if np.isnan(volume) else volume
            yield DAY_TYPES[kind], quarter * QUARTER, lower, speed, upper, known, int(days)


def profile(quarters: np.ndarray, kinds: np.ndarray) -> Profile:
    """From speeds and volumes, each a value for each day (rows) and quarter of an hour, NaN where there is none, and
    the kind of each day."""
    speeds, volumes = quarters
    found, days = np.full((4, *SHAPE), np.nan), np.zeros(SHAPE, int)
    for kind in np.unique(kinds):
        found[:3, kind] = percentiles(speeds[kinds == kind], LOWER, MEDIAN, UPPER)
        found[3, kind] = percentiles(volumes[kinds == kind], MEDIAN)[0]
        days[kind] = (~np.isnan(speeds[kinds == kind])).sum(0)
    return Profile(found[0], found[1], found[2], found[3], days)


def percentiles(values: np.ndarray, *shares: float) -> np.ndarray:
    """A row a share, of what is known in each column; NaN where nothing is. All columns at once, which numpy's own
    does one by one where something is missing."""
    ordered, known = np.sort(values, axis=0), (~np.isnan(values)).sum(0)
    places = np.array(shares)[:, None] * np.maximum(known - 1, 0)
    below = np.floor(places).astype(int)
    above = np.minimum(below + 1, np.maximum(known - 1, 0))
    low, high = np.take_along_axis(ordered, below, 0), np.take_along_axis(ordered, above, 0)
    found: np.ndarray = low + (high - low) * (places - below)
    return found
