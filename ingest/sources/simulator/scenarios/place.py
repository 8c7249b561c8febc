"""Which links an effect is about, and how far along its route each of them lies."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from itertools import pairwise
from typing import Final

import numpy as np

from ingest.sources.simulator.network import Link, Position, distance_m
from ingest.sources.simulator.scenarios.form import Effect
from ingest.sources.simulator.vectors import Numbers, Vector
from urbanclear.errors import ConfigurationError

M_PER_DEGREE: Final = 111_195.0  # of latitude, on a sphere of the mean radius


def meant(effect: Effect, links: Sequence[Link], name: str) -> Numbers:
    """The numbers of the links that meet every key of place; raises `ConfigurationError` when there are none."""
    _require_known(effect.roads, {link.road for link in links}, "roads", name)
    _require_known(effect.areas, {link.area for link in links}, "areas", name)
    _require_known(effect.sensors, {link.external_id for link in links}, "sensors", name)
    found = [number for number, link in enumerate(links) if _meets(effect, link)]
    if not found:
        raise ConfigurationError(f"Scenario {name}: an effect is about no link: widen its place, or its within_m.")
    return np.array(found)


def near(links: Sequence[Link], chosen: Numbers, within_m: float) -> Numbers:
    """The links whose middle is no further than this from the middle of a chosen one, without those."""
    middles = np.array([_flat(link.middle) for link in links])
    distance = np.linalg.norm(middles[:, None] - middles[chosen][None], axis=2).min(axis=1)
    distance[chosen] = np.inf
    return np.flatnonzero(distance <= within_m)


def along_m(route: Sequence[Position], link: Link) -> float:
    """How far from the route's start the link's middle is passed."""
    return _passed(route, link.middle)[1]


def _meets(effect: Effect, link: Link) -> bool:
    lat, lon = link.middle
    box = effect.box
    return (
        (not effect.roads or link.road in effect.roads)
        and (not effect.areas or link.area in effect.areas)
        and (not effect.kinds or link.kind in effect.kinds)
        and (not effect.directions or link.direction in effect.directions)
        and (not effect.sensors or link.external_id in effect.sensors)
        and (box is None or (box.south <= lat <= box.north and box.west <= lon <= box.east))
        and (effect.route is None or _passed(effect.route, link.middle)[0] <= effect.within_m)
    )


def _passed(route: Sequence[Position], place: Position) -> tuple[float, float]:
    """The place's distance from the route, and the way along it to where it is nearest, in metres."""
    at, gone, best = _flat(place), 0.0, (float("inf"), 0.0)
    for start, end in pairwise(route):
        a, b = _flat(start), _flat(end)
        length = distance_m(start, end)
        square = float((b - a) @ (b - a))
        share = float(np.clip(float((at - a) @ (b - a)) / max(square, 1e-9), 0.0, 1.0))
        away = float(np.linalg.norm(at - a - share * (b - a)))
        best = min(best, (away, gone + share * length))
        gone += length
    return best


def _flat(place: Position) -> Vector:
    """Metres in a plane; over a city the error is far below a link's length."""
    return np.array([place[0] * M_PER_DEGREE, place[1] * M_PER_DEGREE * np.cos(np.radians(40.75))])


def _require_known(said: Iterable[str], known: set[str], key: str, name: str) -> None:
    for word in said:
        if word not in known:
            close = get_close_matches(word, known, n=3, cutoff=0.4)
            say = f"did you mean {' or '.join(close)}" if close else f"known are {', '.join(sorted(known)[:8])}"
            raise ConfigurationError(f"Scenario {name}: {key} knows no {word!r}: {say}.")
