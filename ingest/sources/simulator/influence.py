"""What bears on traffic for a while: less capacity or another demand, on some links, from some cause."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ingest.sources.simulator.vectors import Numbers, Vector

STEP_S: Final = 60


@dataclass(frozen=True)
class Influence:
    """Each link has its own begin and end (seconds since 1970), capacity left (share) and factor on demand."""

    cause: str
    links: Numbers
    start: Vector
    end: Vector
    capacity: Vector
    demand: Vector
    ramp_up_s: float = 0.0
    ramp_down_s: float = 0.0

    def moved(self, cause: str, seconds: float) -> "Influence":
        """The same, later, from this cause."""
        return replace(self, cause=cause, start=self.start + seconds, end=self.end + seconds)

    def strength(self, steps: Vector) -> Vector:
        """How much of it is in force during each step, by step and link; a step's share where it begins or ends."""
        rising = (steps[:, None] + STEP_S - self.start) / max(self.ramp_up_s, STEP_S)
        falling = (self.end - steps[:, None]) / max(self.ramp_down_s, STEP_S)
        return np.clip(rising, 0.0, 1.0) * np.clip(falling, 0.0, 1.0)


@dataclass(frozen=True)
class Pressure:
    """All influences on one stretch of time, by step and link; `cause` indexes `causes`, −1 for none."""

    capacity: Vector
    demand: Vector
    cause: NDArray[np.int32]
    causes: tuple[str, ...]


def pressure(influences: Sequence[Influence], steps: Vector, links: int) -> Pressure:
    """What `influences` do together; where several meet, the one that takes the most capacity is the cause."""
    shape = len(steps), links
    capacity, demand, worst = np.ones(shape), np.ones(shape), np.full(shape, np.inf)
    cause = np.full(shape, -1, dtype=np.int32)
    causes = tuple(dict.fromkeys(influence.cause for influence in influences))
    for influence in influences:
        touched = _touched(influence, steps)
        strength = influence.strength(steps[touched])
        left = 1 - strength * (1 - influence.capacity)
        here = np.ix_(np.arange(len(steps))[touched], influence.links)
        capacity[here] *= left
        demand[here] *= 1 - strength * (1 - influence.demand)
        is_worst = (strength > 0) & (left < worst[here])
        worst[here] = np.where(is_worst, left, worst[here])
        cause[here] = np.where(is_worst, causes.index(influence.cause), cause[here])
    return Pressure(capacity, demand, cause, causes)


def _touched(influence: Influence, steps: Vector) -> slice:
    begin, end = influence.start.min() - STEP_S, influence.end.max()
    return slice(*np.searchsorted(steps, [begin, end]).tolist())
