"""The roads: links between named places whose ends meet, read from `new_york.toml`."""

import math
import re
import tomllib
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from itertools import accumulate, pairwise
from typing import Any, Final

from schema.events import LineString, Sensor

PREFIX: Final = "nyc-sim:"
EARTH_RADIUS_M: Final = 6_371_008.8  # mean radius, IUGG
OPPOSITE: Final = {"N": "S", "S": "N", "E": "W", "W": "E"}

Position = tuple[float, float]  # latitude, longitude


@dataclass(frozen=True)
class Link:
    """One direction of a road between two places."""

    external_id: str
    name: str
    road: str
    kind: str
    area: str
    direction: str
    start: str
    end: str
    shape: tuple[Position, ...]
    length_m: float
    free_flow_speed_kmh: float
    capacity_vph: float
    lanes: int

    @property
    def middle(self) -> Position:
        """The place half-way along it."""
        return along(self.shape, 0.5)

    def sensor(self) -> Sensor:
        """The link as the sensor that reports it."""
        middle = self.middle
        return Sensor(
            external_id=self.external_id,
            name=self.name,
            kind="link",
            area=self.area,
            road=self.road,
            direction=self.direction,
            lat=middle[0],
            lon=middle[1],
            geometry=LineString(coordinates=[[lon, lat] for lat, lon in self.shape]),
            length_m=round(self.length_m, 1),
            free_flow_speed_kmh=self.free_flow_speed_kmh,
            lanes=self.lanes,
        )


@lru_cache(maxsize=1)
def load() -> tuple[Link, ...]:
    """All links, in a fixed order."""
    content = tomllib.loads(files("ingest.sources.simulator").joinpath("new_york.toml").read_text())
    return tuple(link for road in content["roads"] for link in _links(road, content))


def downstream(links: tuple[Link, ...]) -> list[list[int]]:
    """For each link, the links that one may drive on to (but not straight back)."""
    leaving: dict[str, list[int]] = {}
    for number, link in enumerate(links):
        leaving.setdefault(link.start, []).append(number)
    return [[n for n in leaving.get(link.end, []) if links[n].end != link.start] for link in links]


def distance_m(a: Position, b: Position) -> float:
    """Great-circle distance by the haversine formula."""
    (lat1, lon1), (lat2, lon2) = ((math.radians(x) for x in point) for point in (a, b))
    h = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(math.sqrt(h))


def along(shape: tuple[Position, ...], share: float) -> Position:
    """The place at this share of a line's length."""
    lengths = [0.0, *accumulate(distance_m(a, b) for a, b in pairwise(shape))]
    number = min(max(bisect_left(lengths, share * lengths[-1]), 1), len(shape) - 1)
    part = (share * lengths[-1] - lengths[number - 1]) / (lengths[number] - lengths[number - 1])
    (lat1, lon1), (lat2, lon2) = shape[number - 1], shape[number]
    return round(lat1 + part * (lat2 - lat1), 6), round(lon1 + part * (lon2 - lon1), 6)


def _links(road: dict[str, Any], content: dict[str, Any]) -> Iterator[Link]:
    for start, end, shape in _stretches(road["nodes"], content["nodes"]):
        yield _link(road, content, start, end, shape, road["axis"])
        if not road.get("oneway"):
            yield _link(road, content, end, start, shape[::-1], OPPOSITE[road["axis"]])


def _stretches(words: list[str], nodes: dict[str, Any]) -> Iterator[tuple[str, str, tuple[Position, ...]]]:
    """The parts of a road from one node to the next, with the bends in between."""
    at = [number for number, word in enumerate(words) if word in nodes]
    for first, last in pairwise(at):
        shape = tuple(_position(word, nodes) for word in words[first : last + 1])
        yield words[first], words[last], shape


def _position(word: str, nodes: dict[str, Any]) -> Position:
    if word in nodes:
        lat, lon, *_ = nodes[word]
    else:
        lat, lon = map(float, word.split(","))
    return lat, lon


def _link(
    road: dict[str, Any], content: dict[str, Any], start: str, end: str, shape: tuple[Position, ...], direction: str
) -> Link:
    speed_kmh, lane_vph = content["kinds"][road["kind"]]
    start_name, end_name = (_place(node, road, content) for node in (start, end))
    return Link(
        external_id=PREFIX + _slug(f"{road['name']} {direction} {start} {end}"),
        name=f"{road['name']} {direction}: {start_name} – {end_name}",
        road=road["name"],
        kind=road["kind"],
        area=content["nodes"][start][2],
        direction=direction,
        start=start,
        end=end,
        shape=shape,
        length_m=sum(distance_m(a, b) for a, b in pairwise(shape)),
        free_flow_speed_kmh=float(speed_kmh),
        capacity_vph=float(lane_vph * road["lanes"]),
        lanes=road["lanes"],
    )


def _place(node: str, road: dict[str, Any], content: dict[str, Any]) -> str:
    """A place's name; where streets cross avenues each is named by the other."""
    name: str = content["nodes"][node][3]
    if road["kind"] == "street":
        name = content["avenues"].get(node.split("_")[0], name)
    return name


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
