"""From demand and capacity to what a sensor would measure."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

LEAST_RATIO: Final = 0.07  # traffic hardly ever stands still for a whole interval
EFFECTIVE_LENGTH_M: Final = 6.5  # of a vehicle and a loop: FHWA Traffic Detector Handbook, chapter 4
SPILL_THRESHOLD: Final = 0.45
SPILL_SHARE: Final = 0.65
HOPS: Final = 3
MINUTES_PER_HOP: Final = 5


def speed_ratio(demand: Vector, capacity: Vector) -> Vector:
    """Speed over free-flow speed: 1 / (1 + 0.2 x¹⁰), the MTC curve (R. Singh, Beyond the BPR curve, 1995).

    `demand` and `capacity` in the same unit; x, their ratio, is bounded so that the result stays positive.
    """
    x = np.minimum(demand / np.maximum(capacity, 1e-6), 1.8)
    return np.asarray(np.maximum(1 / (1 + 0.2 * x**10), LEAST_RATIO))


def following(downstream: Sequence[Sequence[int]]) -> NDArray[np.intp]:
    """The links after each link as a matrix, filled up with the number after the last link."""
    width = max(map(len, downstream))
    return np.array([[*after, *[len(downstream)] * (width - len(after))] for after in downstream])


def with_spillback(congestion: Sequence[Vector], after: NDArray[np.intp]) -> Vector:
    """Congestion (1 − speed ratio) once queues have grown upstream; `after` as `following` gives it.

    `congestion[h]` is that of each link h × 5 minutes ago. A queue takes that long to fill a link and loses strength
    on the way, as vehicles turn off.
    """
    spread = congestion[-1]
    for earlier in reversed(congestion[:-1]):
        ahead = np.append(spread, 0.0)[after].max(axis=1)
        spread = np.maximum(earlier, np.where(ahead > SPILL_THRESHOLD, ahead * SPILL_SHARE, 0.0))
    return spread


def flow_vph(ratio: Vector, demand: Vector, capacity_vph: Vector) -> Vector:
    """Vehicles per hour: the demand while it flows, and in congestion Greenshields' parabola (1935)."""
    congested = 4 * ratio * (1 - ratio) * capacity_vph
    return np.where(ratio < 0.5, congested, np.minimum(demand, 1.0) * capacity_vph)


def occupancy(flow: Vector, speed_kmh: Vector, lanes: Vector) -> Vector:
    """Share of time that a loop is covered: density times effective length."""
    density_per_km = flow / np.maximum(speed_kmh, 1.0) / lanes
    return np.clip(density_per_km * EFFECTIVE_LENGTH_M / 1000, 0.0, 1.0)
