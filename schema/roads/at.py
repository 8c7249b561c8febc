"""Which sensors a place on a road is at: those whose road runs there, in its direction where that is known."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import cos, radians
from typing import Any, Final

import numpy as np

from schema.roads.lines import EARTH_M_PER_DEGREE, Line, Position, distance_m

#: On a road of the place's name; feeds place what happens by addresses and by the axes of their own maps.
NAMED_M: Final = 100.0
#: A detector on such a road measures it for so far: loops are half a mile apart or less on most freeways.
DETECTOR_M: Final = 800.0
#: On a road whose name may mean the same, or where none is said: the place is on it.
ON_M: Final = 30.0
#: Farther than the nearest by so much: the next link, or another road. The axes of two directions are this far apart.
BESIDE_M: Final = 40.0

_OPPOSITE: Final = {"N": "S", "S": "N", "E": "W", "W": "E"}
_WORD: Final = re.compile(r"[a-z]+|\d+")
_SHORT: Final = {
    "av": "avenue",
    "ave": "avenue",
    "blvd": "boulevard",
    "br": "bridge",
    "brg": "bridge",
    "dr": "drive",
    "expwy": "expressway",
    "expy": "expressway",
    "exwy": "expressway",
    "fwy": "freeway",
    "hwy": "highway",
    "pkwy": "parkway",
    "pky": "parkway",
    "pl": "place",
    "rd": "road",
    "rte": "route",
    "st": "street",
    "tpke": "turnpike",
    "tun": "tunnel",
}
_KINDS: Final = frozenset(_SHORT.values()) | {"way", "lane"}
_COMPASS: Final = ("n", "e", "s", "w", "north", "east", "south", "west")
_DIRECTIONS: Final = frozenset(word + bound for word in _COMPASS for bound in ("", "b", "bound"))


@dataclass(frozen=True)
class Measured:
    """A sensor on the map: `positions` are those of its link, or the one of a detector."""

    sensor: str
    positions: tuple[Position, ...]
    road: str | None = None
    direction: str | None = None

    @classmethod
    def of(cls, described: Mapping[str, Any]) -> "Measured | None":
        """By its `sensor`, `geometry` (GeoJSON), `lat`, `lon`, `road` and `direction`; None where it has no place."""
        geometry, lat, lon = map(described.get, ("geometry", "lat", "lon"))
        if geometry is None and (lat is None or lon is None):
            return None
        points: Any = (lon, lat) if geometry is None else geometry["coordinates"]
        if geometry is None or geometry["type"] == "Point":
            points = [points]
        positions = tuple((float(lon), float(lat)) for lon, lat, *_ in points)
        return cls(described["sensor"], positions, described.get("road"), described.get("direction"))

    def distance_m(self, place: Position) -> float:
        """How far from its link or itself a place is."""
        return Line(self.positions).nearest(place)[0] if self.is_link else distance_m(self.positions[0], place)

    @property
    def is_link(self) -> bool:
        return len(self.positions) > 1

    @property
    def reach_m(self) -> float:
        """How far it measures its road."""
        return NAMED_M if self.is_link else DETECTOR_M


class Sensors:
    """Those of a city; None are those that are not on the map."""

    def __init__(self, sensors: Iterable[Measured | None]) -> None:
        self._sensors = tuple(sensor for sensor in sensors if sensor is not None)
        ends = [np.array(one.positions) for one in self._sensors]
        self._west_south = np.array([points.min(axis=0) for points in ends]).reshape(-1, 2)
        self._east_north = np.array([points.max(axis=0) for points in ends]).reshape(-1, 2)

    def at(self, place: Position, road: str | None = None, direction: str | None = None) -> list[str]:
        """The sensors that a place is at, the nearest first.

        Of those within `NAMED_M` (detectors: `DETECTOR_M`) on a road of the name `road`, else of those within `ON_M`
        that may be on it, the nearest and what is beside it; without those whose direction is the opposite of
        `direction`.
        """
        near = [(sensor.distance_m(place), sensor) for sensor in self._around(place) if not _faces(sensor, direction)]
        known = [(metres, one, same_road(one.road, road)) for metres, one in near]
        named = [(metres, one) for metres, one, same in known if same and metres <= one.reach_m]
        found = named or [(metres, one) for metres, one, same in known if same is None and metres <= ON_M]
        found.sort(key=lambda pair: (pair[0], pair[1].sensor))
        return [one.sensor for metres, one in found if metres <= found[0][0] + BESIDE_M]

    def _around(self, place: Position) -> Sequence[Measured]:
        """Those whose box comes within the farthest that one measures."""
        lat = max(NAMED_M, DETECTOR_M) / EARTH_M_PER_DEGREE
        margin = np.array([lat / max(cos(radians(place[1])), 1e-6), lat])
        inside = ((self._west_south - margin <= place) & (place <= self._east_north + margin)).all(axis=1)
        return [self._sensors[number] for number in np.flatnonzero(inside)]


def same_road(one: str | None, other: str | None) -> bool | None:
    """Whether two sources mean the same road, as far as their words tell; None where they do not.

    `FDR Dr`, `FDR Drive N` and `FDR` are one road, as are `I-95` and `I-95 Cross Bronx Expwy`. `34 St` and `34 Ave`
    are two. `I-278` may be the Brooklyn-Queens Expressway, and a road without a name any.
    """
    (first, first_kinds), (second, second_kinds) = _words(one), _words(other)
    if first_kinds and second_kinds and first_kinds.isdisjoint(second_kinds):
        return False
    fewer, more = sorted((first, second), key=len)
    if fewer and fewer <= more and (first_kinds & second_kinds or not all(word.isdigit() for word in fewer)):
        return True
    return False if first_kinds and second_kinds else None


def _words(road: str | None) -> tuple[frozenset[str], frozenset[str]]:
    """The words of a name, and what kind of road it says it is."""
    found = frozenset(_SHORT.get(word, word) for word in _WORD.findall((road or "").lower())) - _DIRECTIONS
    return found - _KINDS, found & _KINDS


def _faces(sensor: Measured, direction: str | None) -> bool:
    """Whether it measures the traffic that comes the other way."""
    ours, theirs = (word[:1].upper() for word in (sensor.direction or "", direction or ""))
    return theirs in _OPPOSITE and _OPPOSITE[theirs] == ours
