"""The normal band as detectors take it: for each sensor what is expected at a time of the week, and its usual
spread.

The spread is a robust standard deviation: that of the days (a tenth to a nine tenth percentile are 2.563 deviations
of a normal distribution apart), but no less than that of the sensor's 5 minutes about what was expected (1.4826
times their median absolute deviation), and no less than a few km/h, below which nobody on the road would notice.
"""

from typing import Final

import numpy as np

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
