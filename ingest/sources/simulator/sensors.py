"""Which sensors watch the network: its links, fewer of them, or detectors in their lanes beside them.

Any number of sensors is the beginning of any larger one, under the same names and with the same readings: links are
taken in circles around Midtown, so that the first of them are connected; detectors link by link in proportion to
length and lanes, each at the widest gap between those before it.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from ingest.sources.simulator.demand import MIDTOWN
from ingest.sources.simulator.network import Link, along, distance_m
from ingest.sources.simulator.randomness import Purpose, normals
from ingest.sources.simulator.vectors import Numbers, Vector
from schema.events import Point, Sensor
from urbanclear.errors import ConfigurationError

MOST: Final = 50_000
LANE_SPREAD: Final = 0.06  # between the speeds of the leftmost and the rightmost lane
BIAS: Final = 0.02  # standard deviation of what a detector measures wrong, always


@dataclass(frozen=True)
class Sensors:
    """What each sensor watches; `number` is its own for ever, `position` nan where it watches the whole link."""

    described: tuple[Sensor, ...]
    number: Numbers
    link: Numbers
    position: Vector  # share of the link's length from its start
    lanes: Vector
    free_flow_kmh: Vector
    length_m: Vector  # nan for a detector


def watch(links: Sequence[Link], count: int | None, seed: int) -> Sensors:
    """`count` sensors (None: one a link); raises `ConfigurationError`."""
    count = len(links) if count is None else count
    if not 1 <= count <= MOST:
        raise ConfigurationError(f"{count} sensors cannot be simulated: say --sensors 1 to {MOST}.")
    chosen = sorted(_circles(links)[:count])
    placed = list(_placed(links, count - len(chosen)))
    numbers = np.array([*chosen, *range(len(links), len(links) + len(placed))])
    biases = (1 + BIAS * normals(seed, Purpose.DETECTORS, numbers[len(chosen) :])[0]).tolist()
    detectors = [_detector(links[at], number, bias) for (at, number), bias in zip(placed, biases, strict=True)]
    described = (*(links[at].sensor() for at in chosen), *(sensor for sensor, _ in detectors))
    return Sensors(
        described=described,
        number=numbers,
        link=np.array([*chosen, *(at for at, _ in placed)]),
        position=np.array([*[np.nan] * len(chosen), *(position for _, position in detectors)]),
        lanes=np.array([float(sensor.lanes or 1) for sensor in described]),
        free_flow_kmh=np.array([sensor.free_flow_speed_kmh or np.nan for sensor in described]),
        length_m=np.array([sensor.length_m or np.nan for sensor in described]),
    )


def _circles(links: Sequence[Link]) -> list[int]:
    """All links, breadth first from the one nearest to Midtown."""
    touching: dict[str, list[int]] = {}
    for number, link in enumerate(links):
        touching.setdefault(link.start, []).append(number)
        touching.setdefault(link.end, []).append(number)
    order: dict[int, None] = {}
    waiting = deque([min(links, key=lambda link: distance_m(link.shape[0], MIDTOWN)).start])
    while waiting:
        for number in touching.pop(waiting.popleft(), []):
            order[number] = None
            waiting += (links[number].start, links[number].end)
    return list(order)


def _placed(links: Sequence[Link], count: int) -> Iterator[tuple[int, int]]:
    """The link of each detector and its number there, by the method of Sainte-Laguë, which never takes one back."""
    if count == 0:
        return
    weights = np.array([link.length_m * link.lanes for link in links])
    weights /= weights.sum()
    most = np.ceil((count + len(links)) * weights).astype(int) + 2
    link = np.repeat(np.arange(len(links)), most)
    number = np.concatenate([np.arange(n) for n in most])
    for at in np.argsort((number + 0.5) / weights[link], kind="stable")[:count]:
        yield int(link[at]), int(number[at])


def _detector(link: Link, number: int, bias: float) -> tuple[Sensor, float]:
    """A detector and its share of the link's length."""
    lane, position = number % link.lanes + 1, _halved(number + 1)
    fast = 1 + LANE_SPREAD * (0.5 - lane / (link.lanes + 1))
    lat, lon = along(link.shape, position)
    sensor = Sensor(
        external_id=f"{link.external_id}-d{number + 1}",
        name=f"{link.name}, detector {number + 1} ({position * link.length_m:,.0f} m, lane {lane})",
        kind="detector",
        area=link.area,
        road=link.road,
        direction=link.direction,
        lat=lat,
        lon=lon,
        geometry=Point(coordinates=[lon, lat]),
        free_flow_speed_kmh=round(link.free_flow_speed_kmh * fast * bias, 1),
        lanes=1,
    )
    return sensor, position


def _halved(number: int) -> float:
    """1/2, 1/4, 3/4, 1/8, …: van der Corput's sequence in base 2."""
    position, unit = 0.0, 0.5
    while number:
        position += unit * (number & 1)
        number >>= 1
        unit /= 2
    return position
