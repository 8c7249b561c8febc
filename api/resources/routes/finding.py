"""From places on the map to a search over the network, and why there is no way."""

from collections.abc import Collection
from typing import Final

from fastapi import HTTPException

from api.http.problems import bad_parameter
from api.resources.routes.knowledge import Traffic
from api.resources.routes.search import Search, Stretch
from api.resources.routes.speeds import Piece
from schema.roads.lines import Line, Position
from schema.roads.network import FARTHEST_M, Network, Snap

NAMES: Final = ("from_lat", "to_lat")


def search_of(network: Network, traffic: Traffic, departs: float, places: tuple[Position, Position]) -> Search:
    """Between the links that are nearest to two places; raises the problem of one that is far from all."""
    impassable = traffic.impassable
    passable = [number for number in range(len(network.links)) if number not in impassable]
    if not passable:
        raise HTTPException(404, "There is no link with a place and a known speed: see /api/v1/sensors.")

    def speed_at(link: int, time: float) -> Piece:
        piece = traffic.known[link].at(time)
        assert piece is not None  # noqa: S101  # it is passable
        return piece

    origins, destinations = [
        _snapped(network, place, passable, name) for name, place in zip(NAMES, places, strict=True)
    ]
    return Search(network, speed_at, origins, destinations, impassable, departs)


def _snapped(network: Network, place: Position, among: Collection[int], name: str) -> list[Snap]:
    found = network.nearest(place, among)
    nearest = found[0]
    if nearest.distance_m > FARTHEST_M:
        sensor, (lon, lat) = network.links[nearest.link].sensor, network.links[nearest.link].line.at(nearest.share)
        raise bad_parameter(
            name,
            f"the place is {nearest.distance_m / 1000:,.1f} km from the nearest link, and may be "
            f"{FARTHEST_M / 1000:g} km from it: say one nearer to {lat:.5f}, {lon:.5f} on {sensor}",
        )
    return found


def why_none(search: Search, traffic: Traffic, goal: Position) -> str:
    """What parts them, and how near one can come; after a search that found nothing."""
    network, origin, destination = search.network, search.origins[0], search.destinations[0]
    return f"{_parted(network, origin.link, destination.link, traffic)} {_nearest(search, goal)}"


def _parted(network: Network, origin: int, destination: int, traffic: Traffic) -> str:
    ends = [network.component_of(number) for number in (origin, destination)]
    told = [
        f"{network.links[number].sensor} in component {part} ({_count(len(network.components[part - 1]))})"
        for number, part in zip((origin, destination), ends, strict=True)
    ]
    if ends[0] != ends[1]:
        return f"No way leads there: {told[0]} and {told[1]} do not hang together."
    closed = f" with {len(traffic.closures)} closed" if traffic.closures else ""
    return f"No way leads there: both are on {told[0]}{closed}, but not in the direction of travel."


def _count(links: int) -> str:
    return "1 link" if links == 1 else f"{links} links"


def _nearest(search: Search, goal: Position) -> str:
    """Of what one comes over, the place that is nearest to the goal."""
    places = (_nearest_on(search.network, stretch, goal) for stretch in search.reached)
    metres, (lon, lat), sensor = min(places)
    return f"The nearest one can come is {metres / 1000:,.1f} km from it, at {lat:.5f}, {lon:.5f} on {sensor}."


def _nearest_on(network: Network, stretch: Stretch, goal: Position) -> tuple[float, Position, str]:
    link = network.links[stretch.link]
    part = Line(tuple(link.line.part(stretch.start, stretch.stop)))
    metres, share = part.nearest(goal)
    return metres, part.at(share), link.sensor
