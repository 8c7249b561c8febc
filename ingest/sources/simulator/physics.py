"""From demand and capacity to what a sensor would measure: a curve below capacity, a deterministic queue above it.

Demand, capacity and flow are shares of a link's nominal capacity; a queue is counted in what the link holds at
nominal capacity and free-flow speed, so that one set of constants serves roads of every kind.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ingest.sources.simulator.vectors import Vector

SLOWING: Final = 0.26  # of travel time at capacity, before any queue: within what BPR's 0.15 and its successors say
STEEPNESS: Final = 4
JAM: Final = 5.6  # 140 vehicles per km and lane over the 25 of 2,000 vehicles per hour at 80 km/h
WAVE: Final = 4.0  # the congested branch runs from there to 1.6 at capacity: Newell's triangle with a drop at its top
LEAST_CAPACITY: Final = 0.02  # even past a closure, some get through
DIVERTED: Final = 0.2  # of the demand leaves a link that is full
NEARLY_FULL: Final = 0.8
EFFECTIVE_LENGTH_M: Final = 6.5  # of a vehicle and a loop: FHWA Traffic Detector Handbook, chapter 4
LEAST_SPEED_KMH: Final = 2.0


def free_ratio(demand: Vector, capacity: Vector) -> Vector:
    """Speed over free-flow speed outside the queue: 1 / (1 + 0.26 x⁴), the curve of the BPR (1964)."""
    x = np.minimum(demand / capacity, 1.0)
    return np.asarray(1 / (1 + SLOWING * x**STEEPNESS))


def most_queued(capacity: Vector) -> Vector:
    """The queue that fills a link: the slower it flows, the denser it stands (Newell, 1993)."""
    return JAM - WAVE * capacity


def queued_ratio(capacity: Vector) -> Vector:
    """Speed over free-flow speed within the queue: its flow over its density."""
    return capacity / most_queued(capacity)


def filled(queue: Vector, capacity: Vector) -> Vector:
    """Share of the link that the queue covers, from the link's end."""
    return np.minimum(queue / most_queued(capacity), 1.0)


def grown(queue: Vector, demand: Vector, capacity: Vector, step: Vector) -> Vector:
    """The queue one step later: what arrives less what leaves (May, Traffic Flow Fundamentals, 1990, chapter 12).

    `step` is in free-flow travel times of the link. What finds the link full waits upstream.
    """
    return np.clip(queue + step * (demand - capacity), 0.0, np.maximum(most_queued(capacity), queue))


def shortage(queue: Vector, demand: Vector, capacity: Vector) -> Vector:
    """Share of those who want to enter a full link that cannot; 0 while there is room."""
    full = np.clip((filled(queue, capacity) - NEARLY_FULL) / (1 - NEARLY_FULL), 0.0, 1.0)
    return full * np.maximum(1 - capacity / np.maximum(demand, capacity), 0.0)


def occupancy(flow_vph: Vector, speed_kmh: Vector, lanes: Vector) -> Vector:
    """Share of time that a loop is covered: density times effective length."""
    density_per_km = flow_vph / np.maximum(speed_kmh, 1.0) / lanes
    return np.clip(density_per_km * EFFECTIVE_LENGTH_M / 1000, 0.0, 1.0)


def following(downstream: Sequence[Sequence[int]]) -> NDArray[np.intp]:
    """The links after each link (a column), filled up with the number after the last link."""
    width = max(map(len, downstream))
    return np.array([[*after, *[len(downstream)] * (width - len(after))] for after in downstream]).T.copy()
