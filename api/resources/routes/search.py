"""The fastest way and others that differ from it, over links whose speeds change on the way.

The fastest is found by Dijkstra's algorithm with the clock as label, which is right where nobody overtakes by waiting
(Dreyfus 1969). Others are found by the penalty method: the links of those found so far are made slower and the search
is repeated; what is found counts where it is different enough and not much slower (Abraham et al. 2013).
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from typing import Final, NamedTuple

from api.resources.routes.speeds import Bound, SpeedAt, crossed_at, expected
from schema.roads.network import Network, Snap

#: Of the shorter of two ways, the share that they may have in common.
MOST_OVERLAP: Final = 0.7
#: An alternative may take so much longer than the fastest.
MOST_STRETCH: Final = 1.5
#: By how much a link of a way that is known is slowed, each time; and how often is tried.
PENALTY: Final = 1.4
TRIES: Final = 12


class Stretch(NamedTuple):
    """Of a link, from one share of its length to another."""

    link: int
    start: float
    stop: float


Way = Sequence[Stretch]


@dataclass
class Search:
    """Ways from any of `origins` to any of `destinations`, without links of `closed`."""

    network: Network
    speed_at: SpeedAt
    origins: Sequence[Snap]
    destinations: Sequence[Snap]
    closed: Collection[int]
    departs: float
    #: What the last search came over to the end.
    reached: set[Stretch] = field(default_factory=set)

    def ways(self, alternatives: int) -> list[list[Stretch]]:
        """The fastest first; empty where there is none."""
        slowed: defaultdict[int, float] = defaultdict(lambda: 1.0)
        found: list[list[Stretch]] = []
        longest = float("inf")
        for _ in range(TRIES if alternatives else 1):
            way = self._fastest(slowed)
            if way is None:
                break
            takes = self.arrival(way) - self.departs
            if not found:
                longest = takes * MOST_STRETCH
            if takes <= longest and all(self.overlap(way, other) <= MOST_OVERLAP for other in found):
                found.append(way)
            if len(found) > alternatives:
                break
            for stretch in way:
                slowed[stretch.link] *= PENALTY
        return found[:1] + sorted(found[1:], key=self.arrival)

    def arrival(self, way: Way, bound: Bound = expected) -> float:
        """When one arrives who leaves in time."""
        return list(self.clock(way, bound))[-1][2]

    def clock(self, way: Way, bound: Bound = expected) -> Iterator[tuple[Stretch, float, float]]:
        """Each stretch with the times at which one enters and leaves it."""
        time = self.departs
        for stretch in way:
            entered, time = time, self._left_at(stretch, time, bound=bound)
            yield stretch, entered, time

    def length_m(self, way: Way) -> float:
        return sum(self.length_of(stretch) for stretch in way)

    def length_of(self, stretch: Stretch) -> float:
        return self.network.links[stretch.link].length_m * (stretch.stop - stretch.start)

    def overlap(self, one: Way, other: Way) -> float:
        """The share of the shorter of two ways that both have, by length; 1 for ways without any length."""
        stretches = {stretch.link: stretch for stretch in other}
        both = 0.0
        for stretch in one:
            if same := stretches.get(stretch.link):
                start, stop = max(stretch.start, same.start), min(stretch.stop, same.stop)
                both += self.network.links[stretch.link].length_m * max(0.0, stop - start)
        shorter = min(self.length_m(one), self.length_m(other))
        return min(1.0, both / shorter) if shorter else 1.0

    def _left_at(self, stretch: Stretch, time: float, *, bound: Bound = expected, slowed: float = 1.0) -> float:
        return crossed_at(self.speed_at, stretch.link, self.length_of(stretch), time, bound=bound, slowed=slowed)

    def _fastest(self, slowed: Mapping[int, float]) -> list[Stretch] | None:
        """By the time at which each stretch is left, the earliest first."""
        goals = {snap.link: snap.share for snap in self.destinations if snap.link not in self.closed}
        self.reached = set()
        before: dict[Stretch, Stretch | None] = {}
        queue: list[tuple[float, int, Stretch, Stretch | None]] = []
        numbers = count()

        def enter(link: int, start: float, time: float, came_from: Stretch | None) -> None:
            stops = [1.0, goals[link]] if goals.get(link, -1.0) >= start else [1.0]
            for stretch in (Stretch(link, start, stop) for stop in stops):
                if stretch not in before:
                    left = self._left_at(stretch, time, slowed=slowed.get(link, 1.0))
                    heappush(queue, (left, next(numbers), stretch, came_from))

        for snap in self.origins:
            if snap.link not in self.closed:
                enter(snap.link, snap.share, self.departs, None)
        while queue:
            time, _, stretch, came_from = heappop(queue)
            if stretch in before:
                continue
            before[stretch] = came_from
            if stretch.link in goals and stretch.stop == goals[stretch.link] and stretch.start <= stretch.stop:
                return _back(stretch, before)
            if stretch.stop == 1.0:
                self.reached.add(stretch)
                for link in self.network.turns[stretch.link]:
                    if link not in self.closed:
                        enter(link, 0.0, time, stretch)
        return None


def _back(last: Stretch, before: Mapping[Stretch, Stretch | None]) -> list[Stretch]:
    way: list[Stretch] = []
    stretch: Stretch | None = last
    while stretch is not None:
        way.append(stretch)
        stretch = before[stretch]
    return way[::-1]
