"""A day of traffic, from its quiet small hours on: queues that grow, spill back to the links before, and drain.

A day is computed as a whole, from half a night's run-up, so that the state at any time depends on nothing but the
time. It is computed twice side by side: undisturbed, and as it happens.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ingest.sources.simulator import network, physics
from ingest.sources.simulator.influence import STEP_S, Pressure
from ingest.sources.simulator.network import Link
from ingest.sources.simulator.vectors import Vector

DAY_S: Final = 86_400
BEGIN_S: Final = 8 * 3_600  # 08:00 UTC, three or four in the morning in New York: no queue stands
RUN_UP_S: Final = 3 * 3_600
SHORTEST_STORE_S: Final = 60.0  # of free-flow travel: shorter links share the room of those beside them
SAME_ROAD: Final = 0.7  # share of a link's traffic that drives on along its road
OTHER_ROAD: Final = 0.35
FELT: Final = 0.02  # less is no influence
LEFT_BEHIND: Final = 0.05  # queue beyond the undisturbed that is still the cause's

Stored = NDArray[np.float32]
UNDISTURBED, HAPPENED = 0, 1


@dataclass(frozen=True)
class State:
    """All links at one time, undisturbed and as it happened (the first axis): shares of nominal capacity."""

    demand: Vector
    capacity: Vector
    queue: Vector
    cause: NDArray[np.int32]
    causes: tuple[str, ...]


@dataclass(frozen=True)
class Day:
    """The states of a day, a minute apart."""

    begin: float
    demand: Stored
    capacity: Stored
    queue: Stored
    cause: NDArray[np.int32]
    causes: tuple[str, ...]

    def at(self, second: float) -> State:
        """The state at a second of this day."""
        step, share = divmod((second - self.begin) / STEP_S, 1)
        at = int(step)
        demand, capacity, queue = (
            values[at] * (1 - share) + values[at + 1] * share for values in (self.demand, self.capacity, self.queue)
        )
        return State(demand, capacity, queue, self.cause[at], self.causes)


def steps_of(day: int) -> Vector:
    """The steps from which a day is computed, in seconds since 1970: its run-up, itself and one more."""
    begin = day * DAY_S + BEGIN_S
    return np.arange(begin - RUN_UP_S, begin + DAY_S + 2 * STEP_S, STEP_S, dtype=np.float64)


def day_of(second: float) -> int:
    """The number of the day that a second belongs to."""
    return int((second - BEGIN_S) // DAY_S)


class Roads:
    """How queues move on one network."""

    def __init__(self, links: Sequence[Link]) -> None:
        downstream = network.downstream(tuple(links))
        free_flow_s = np.array([link.length_m / link.free_flow_speed_kmh * 3.6 for link in links])
        self._step = STEP_S / np.maximum(free_flow_s, SHORTEST_STORE_S)
        self._after = physics.following(downstream)
        self._rows = np.arange(len(links))
        self._nothing = np.zeros((2, len(links))), np.full(len(links), len(links))
        roads = [link.road for link in links] + [""]
        same = np.array([[roads[n] == links[at].road for n in after] for at, after in enumerate(self._after.T)])
        self._share = np.where(same, SAME_ROAD, OTHER_ROAD).T.copy()

    def day(self, steps: Vector, demand: Vector, capacity: Vector, pressure: Pressure) -> Day:
        """The day that comes of demand and capacity (by variant, step and link) under `pressure`."""
        skipped = RUN_UP_S // STEP_S
        queue = np.zeros_like(demand[:, 0])
        cause = np.full(len(self._rows), -1, dtype=np.int32)
        stored = np.empty((3, len(steps) - skipped, *queue.shape), dtype=np.float32)
        causes = np.empty((len(steps) - skipped, len(self._rows)), dtype=np.int32)
        open_before = capacity[:, 0]
        for number in range(len(steps)):
            wanted = demand[:, number] * (1 - physics.DIVERTED * physics.filled(queue, open_before))
            lack, towards = self._spilled(physics.shortage(queue, wanted, open_before))
            opened = np.maximum(capacity[:, number] * (1 - lack), physics.LEAST_CAPACITY)
            cause = _caused(pressure.cause[number], cause, lack, towards, queue)
            if number >= skipped:
                stored[:, number - skipped] = wanted, opened, queue
                causes[number - skipped] = cause
            queue = physics.grown(queue, wanted, opened, self._step)
            open_before = opened
        return Day(float(steps[skipped]), stored[0], stored[1], stored[2], causes, pressure.causes)

    def _spilled(self, short: Vector) -> tuple[Vector, NDArray[np.intp]]:
        """Share of each link's capacity that full links after it take away, and the worst of those."""
        if not short.any():
            return self._nothing
        padded = np.concatenate([short, np.zeros((2, 1))], axis=1)
        taken = padded[:, self._after] * self._share
        worst = taken[HAPPENED].argmax(axis=0)
        return taken.max(axis=1), self._after[worst, self._rows]


def _caused(
    direct: NDArray[np.int32], before: NDArray[np.int32], lack: Vector, towards: NDArray[np.intp], queue: Vector
) -> NDArray[np.int32]:
    """The cause on each link: its own, else that of the queue which reaches it, else of the queue left behind."""
    spilling = np.append(before, np.int32(-1))[towards]
    spilled = np.where(lack[HAPPENED] > lack[UNDISTURBED] + FELT, spilling, -1)
    remaining = np.where(queue[HAPPENED] > queue[UNDISTURBED] + LEFT_BEHIND, before, -1)
    return np.where(direct >= 0, direct, np.where(spilled >= 0, spilled, remaining)).astype(np.int32)
