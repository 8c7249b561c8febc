"""The road network as a graph: links that follow one another, of which a way is made.

Its nodes are the links themselves (the line graph of the road network), so that what may not follow what is a missing
edge: a driver does not turn round at a link's end.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import cos, floor, radians
from typing import Final

import networkx as nx

from schema.roads.lines import EARTH_M_PER_DEGREE, Line, Position, distance_m

#: Ends of links so near one another are one place: each direction's axis is drawn for itself, some tens of metres
#: from where the next link of the feed begins. Of New York's 138 links, with this distance and with one five times as
#: long the same ones follow one another but for one pair; with a quarter of it two in five of those are missed.
SNAP_M: Final = 40.0
#: A turn sharper than this is no turn but a way back, into the other direction of the same road. All of New York's
#: are from 167 degrees on; the sharpest that are true turns, from one ramp to another, are about 160.
U_TURN_DEGREES: Final = 165.0
#: Farther from all links than this, a place is not on the network.
FARTHEST_M: Final = 2_000.0


@dataclass(frozen=True)
class Link:
    """A stretch of road in one direction."""

    sensor_id: int
    sensor: str
    name: str
    line: Line
    length_m: float
    free_flow_speed_kmh: float | None = None
    lanes: int | None = None


@dataclass(frozen=True)
class Snap:
    """A place on a link: the link's number, the share of it before, how far it is from what was asked for."""

    link: int
    share: float
    distance_m: float


class Network:
    """Links, and which may follow which."""

    def __init__(self, links: Sequence[Link]) -> None:
        self.links: Final = tuple(links)
        self._nodes: Final = _nodes_of(self.links)
        self.turns: Final = self._turns()

    @cached_property
    def _roads(self) -> "nx.MultiDiGraph[int]":
        roads: nx.MultiDiGraph[int] = nx.MultiDiGraph()
        roads.add_edges_from((*ends, number) for number, ends in enumerate(self._nodes))
        return roads

    def _turns(self) -> "nx.DiGraph[int]":
        followed = nx.line_graph(self._roads)
        turns: nx.DiGraph[int] = nx.DiGraph(nx.relabel_nodes(followed, {edge: edge[2] for edge in followed}))
        turns.remove_edges_from([turn for turn in turns.edges if self._turns_back(*turn)])
        return turns

    def _turns_back(self, one: int, other: int) -> bool:
        """Whether `other` is the way back, where `one` ends."""
        if self._nodes[one] == self._nodes[other][::-1]:
            return True
        turn = abs(self.links[other].line.begins - self.links[one].line.ends) % 360
        return min(turn, 360 - turn) > U_TURN_DEGREES

    @cached_property
    def components(self) -> Sequence[frozenset[int]]:
        """Links that hang together, whichever way they lead; the largest first."""
        places = nx.weakly_connected_components(self._roads)
        parts = [frozenset(number for *_, number in self._roads.edges(part, keys=True)) for part in places]
        return sorted(parts, key=lambda part: (-len(part), min(part)))

    def component_of(self, link: int) -> int:
        """The number of a link's component, from 1."""
        return next(number for number, part in enumerate(self.components, 1) if link in part)

    def nearest(self, place: Position, among: Collection[int] | None = None) -> list[Snap]:
        """Where a way from or to a place may begin or end, the nearest first; nothing in an empty network.

        That is the nearest link, and others that are not much farther: the other direction of the same road.
        """
        numbers = range(len(self.links)) if among is None else among
        found = [Snap(number, share, metres) for number in numbers for metres, share in [self._near(number, place)]]
        found.sort(key=lambda snap: (snap.distance_m, snap.link))
        return [snap for snap in found if snap.distance_m <= found[0].distance_m + SNAP_M]

    def _near(self, number: int, place: Position) -> tuple[float, float]:
        return self.links[number].line.nearest(place)


def _nodes_of(links: Sequence[Link]) -> list[tuple[int, int]]:
    """The nodes at which each link starts and ends: ends that are near one another are one."""
    ends = [position for link in links for position in (link.line.positions[0], link.line.positions[-1])]
    near: nx.Graph[int] = nx.Graph()
    near.add_nodes_from(range(len(ends)))
    near.add_edges_from(_pairs(ends))
    node_of = {end: node for node, joined in enumerate(nx.connected_components(near)) for end in joined}
    return [(node_of[2 * number], node_of[2 * number + 1]) for number in range(len(links))]


def _pairs(ends: Sequence[Position]) -> Iterator[tuple[int, int]]:
    """Those that are near one another, looked for in cells as wide as that, and in those beside."""
    cells: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    narrowest = min((cos(radians(lat)) for _, lat in ends), default=1.0)
    for number, (lon, lat) in enumerate(ends):
        east = floor(lon * narrowest * EARTH_M_PER_DEGREE / SNAP_M)
        north = floor(lat * EARTH_M_PER_DEGREE / SNAP_M)
        for column, row in product((-1, 0, 1), (-1, 0, 1)):
            for other in cells[east + column, north + row]:
                if distance_m(ends[other], (lon, lat)) <= SNAP_M:
                    yield other, number
        cells[east, north].append(number)
