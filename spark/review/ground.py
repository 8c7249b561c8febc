"""How far it is on the ground from a place to each of many lines."""

from collections.abc import Sequence
from typing import Final

import numpy as np

METRES_PER_DEGREE: Final = 111_195.0  # of latitude, on a sphere of the earth's mean radius


def distances_m(lat: float, lon: float, lines: Sequence[np.ndarray]) -> np.ndarray:
    """To the nearest place of each line of longitudes and latitudes, on a plane about the place; far from it this is
    not exact. A line without a place is infinitely far."""
    scale = METRES_PER_DEGREE * np.array([np.cos(np.radians(lat)), 1.0])
    return np.array([_distance((line - [lon, lat]) * scale) for line in lines])


def _distance(points: np.ndarray) -> float:
    """From the origin."""
    if len(points) < 2:
        return float(np.hypot(*points[0])) if len(points) else float("inf")
    starts, ways = points[:-1], np.diff(points, axis=0)
    lengths = np.maximum((ways**2).sum(axis=1), 1e-9)
    along = np.clip(-(starts * ways).sum(axis=1) / lengths, 0, 1)
    return float(np.hypot(*(starts + along[:, None] * ways).T).min())
