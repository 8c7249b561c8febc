"""Lines on the ground from what New York's feed says of a link: an encoded polyline, or points cut short."""

from itertools import pairwise
from math import asin, cos, radians, sin, sqrt
from typing import Final

import polyline

Place = tuple[float, float]  # latitude, longitude

EARTH_RADIUS_M: Final = 6_371_008.8  # mean radius R1 of GRS 80
LONGEST_STEP_M: Final = 5_000
SOUTH, NORTH, WEST, EAST = 40.45, 41.0, -74.35, -73.65  # the feed's links, New Jersey's and Yonkers' ends included
TEXT_LIMIT: Final = 254  # the feed cuts its texts at 255 characters, before trailing blanks are taken off


def distance_m(a: Place, b: Place) -> float:
    """Great-circle distance (haversine)."""
    lat_a, lat_b = radians(a[0]), radians(b[0])
    half = sin((lat_b - lat_a) / 2) ** 2 + cos(lat_a) * cos(lat_b) * sin(radians(b[1] - a[1]) / 2) ** 2
    return 2 * EARTH_RADIUS_M * asin(sqrt(half))


def length_m(places: list[Place]) -> float:
    """Length along the line."""
    return sum(distance_m(a, b) for a, b in pairwise(places))


def link_line(encoded: str, points: str) -> list[Place]:
    """The best line of a link: two places or more, or none at all."""
    return _decoded(encoded) or _listed(points)


def _decoded(encoded: str) -> list[Place]:
    """The polyline's places, all of them or none: one wrong character moves everything after it."""
    try:
        places = _without_repeats(polyline.decode(encoded.strip()))
    except (IndexError, ValueError):
        return []
    plausible = all(map(_in_box, places)) and all(_near(a, b) for a, b in pairwise(places))
    return places if plausible and len(places) > 1 else []


def _listed(points: str) -> list[Place]:
    """The longest run of places that lie in the box and follow one another closely; garbled ones are left out."""
    texts = points.split()
    if len(points) >= TEXT_LIMIT:
        texts = texts[:-1]
    places = [place for place in map(_place, texts) if place is not None and _in_box(place)]
    chains = [_chain(places[start:]) for start in range(len(places))]
    longest = _without_repeats(max(chains, key=len, default=[]))
    return longest if len(longest) > 1 else []


def _chain(places: list[Place]) -> list[Place]:
    chain = places[:1]
    for place in places[1:]:
        if _near(chain[-1], place):
            chain.append(place)
    return chain


def _place(text: str) -> Place | None:
    try:
        lat, lon = text.split(",")
        return float(lat), float(lon)
    except ValueError:
        return None


def _in_box(place: Place) -> bool:
    return SOUTH <= place[0] <= NORTH and WEST <= place[1] <= EAST


def _near(a: Place, b: Place) -> bool:
    return distance_m(a, b) <= LONGEST_STEP_M


def _without_repeats(places: list[Place]) -> list[Place]:
    return [place for before, place in zip([None, *places], places, strict=False) if place != before]
