"""Lines on the map in metres: how long they are, which is nearest to a place, a part of one, where one heads."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from math import asin, atan2, cos, degrees, hypot, radians, sin, sqrt
from typing import Any, Final

EARTH_M_PER_DEGREE: Final = 111_195.0  # of a great circle on a sphere of the mean radius

#: Longitude and latitude in degrees, as GeoJSON has them.
Position = tuple[float, float]

#: A link's heading at an end is that of so many metres: its very last points are often noise.
HEADING_M: Final = 50.0


def distance_m(one: Position, other: Position) -> float:
    """The haversine formula (Sinnott 1984), as the database computes distances."""
    half_lat, half_lon = radians(one[1] - other[1]) / 2, radians(one[0] - other[0]) / 2
    chord = sin(half_lat) ** 2 + cos(radians(one[1])) * cos(radians(other[1])) * sin(half_lon) ** 2
    return 2 * degrees(asin(sqrt(min(1.0, chord)))) * EARTH_M_PER_DEGREE


def heading(one: Position, other: Position) -> float:
    """From `one` to `other`, degrees from north, clockwise."""
    east = (other[0] - one[0]) * cos(radians((one[1] + other[1]) / 2))
    return degrees(atan2(east, other[1] - one[1]))


@dataclass(frozen=True)
class Line:
    """Two positions at least, in the direction of travel. Places along it are told as shares of its length."""

    positions: tuple[Position, ...]

    @cached_property
    def along_m(self) -> Sequence[float]:
        """How far along the line each position is."""
        return list(accumulate((distance_m(*pair) for pair in pairwise(self.positions)), initial=0.0))

    @property
    def length_m(self) -> float:
        return self.along_m[-1]

    def at(self, share: float) -> Position:
        """The place so far along."""
        metres = share * self.length_m
        after = min(max(bisect_right(self.along_m, metres), 1), len(self.positions) - 1)
        before, length = self.along_m[after - 1], self.along_m[after] - self.along_m[after - 1]
        rest = (metres - before) / length if length else 0.0
        (west, south), (east, north) = self.positions[after - 1], self.positions[after]
        return west + (east - west) * rest, south + (north - south) * rest

    def part(self, start: float, stop: float) -> list[Position]:
        """The stretch between two places on it, both included."""
        between = [
            position
            for position, metres in zip(self.positions, self.along_m, strict=True)
            if start * self.length_m < metres < stop * self.length_m
        ]
        return [self.at(start), *between, self.at(stop)]

    @property
    def begins(self) -> float:
        """Its heading at the start."""
        return heading(self.positions[0], self.at(min(1.0, HEADING_M / self.length_m)))

    @property
    def ends(self) -> float:
        """Its heading at the end."""
        return heading(self.at(max(0.0, 1 - HEADING_M / self.length_m)), self.positions[-1])

    def nearest(self, place: Position) -> tuple[float, float]:
        """How far from the line a place is, in metres, and the share of the line that is nearest to it."""
        scale = cos(radians(place[1]))
        best, metres = float("inf"), 0.0
        for (one, other), along in zip(pairwise(self.positions), self.along_m, strict=False):
            x, y = (one[0] - place[0]) * scale, one[1] - place[1]
            east, north = (other[0] - one[0]) * scale, other[1] - one[1]
            squared = east * east + north * north
            share = min(1.0, max(0.0, -(x * east + y * north) / squared)) if squared else 0.0
            distance = hypot(x + east * share, y + north * share) * EARTH_M_PER_DEGREE
            if distance < best:
                best, metres = distance, along + share * hypot(east, north) * EARTH_M_PER_DEGREE
        return best, min(1.0, metres / self.length_m) if self.length_m else 0.0


def line_of(geometry: Mapping[str, Any]) -> Line | None:
    """Of a LineString of GeoJSON; None for one without any length, which leads nowhere."""
    line = Line(tuple((float(lon), float(lat)) for lon, lat, *_ in geometry["coordinates"]))
    return line if line.length_m else None
