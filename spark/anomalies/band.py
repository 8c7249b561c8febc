"""The normal band as detectors take it: for each sensor what is expected at a time of the week, and its usual
spread.

The spread is a robust standard deviation: that of the days (a tenth to a nine tenth percentile are 2.563 deviations
of a normal distribution apart), but no less than that of the sensor's 5 minutes about what was expected (1.4826
times their median absolute deviation), and no less than a few km/h, below which nobody on the road would notice.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import psycopg

from spark.calendar import QUARTER, QUARTERS, Moment
from urbanclear.public_holidays import DAY_TYPES

SLOTS: Final = len(DAY_TYPES) * len(QUARTERS)
_OF_SENSORS: Final = """
    SELECT sensors.id, day_type, minute, speed_kmh, upper_kmh - lower_kmh
    FROM profiles JOIN sensors ON external_id = subject
    WHERE subject_kind = 'sensor'
"""

TENTHS: Final = 2.563
MAD: Final = 1.4826
LEAST_KMH: Final = 3.0


def spread_of(speeds: np.ndarray, expected: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """The spread at each of a sensor's times, km/h; inputs may be NaN."""
    rest = np.abs(speeds - expected)
    known = rest[~np.isnan(rest)]
    usual = MAD * float(np.median(known)) if len(known) else 0.0
    found: np.ndarray = np.maximum((upper - lower) / TENTHS, max(usual, LEAST_KMH))
    return found


@dataclass(frozen=True)
class Band:
    """What the patterns job found of each sensor, km/h: a row a slot of the week, a column a sensor; NaN where it is
    not known."""

    ids: np.ndarray
    expected: np.ndarray
    spread: np.ndarray

    def of(self, ids: np.ndarray) -> "Band":
        """The same for these sensors, in this order."""
        _, there, here = np.intersect1d(ids, self.ids, return_indices=True)
        found = np.full((2, SLOTS, len(ids)), np.nan, np.float32)
        found[0, :, there], found[1, :, there] = self.expected[:, here].T, self.spread[:, here].T
        return Band(ids, *found)


def slot(moment: Moment) -> int:
    """Its row in a band."""
    return DAY_TYPES.index(moment.day_type) * len(QUARTERS) + moment.minute // QUARTER


def band_of(database_url: str) -> Band:
    """The newest profiles of sensors; empty where the patterns job has not run."""
    with psycopg.connect(database_url) as connection, connection.cursor(binary=True) as cursor:
        rows = cursor.execute(_OF_SENSORS).fetchall()
    ids = np.unique([row[0] for row in rows]).astype(np.int64)
    expected, spread = np.full((2, SLOTS, len(ids)), np.nan, np.float32)
    if rows:
        sensor, day_type, minute, speed, width = zip(*rows, strict=True)
        at = np.array([DAY_TYPES.index(kind) for kind in day_type]) * len(QUARTERS) + np.array(minute) // QUARTER
        column = np.searchsorted(ids, sensor)
        expected[at, column] = speed
        spread[at, column] = np.maximum(np.array(width) / TENTHS, LEAST_KMH)
    return Band(ids, expected, spread)
