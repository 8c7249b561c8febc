"""Ways as they are told, for OpenAPI; a way becomes an answer here."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field

from api.resources.routes.knowledge import Traffic
from api.resources.routes.search import Search, Stretch, Way
from api.resources.routes.speeds import MS_PER_KMH, Basis, quickest, slowest
from schema.roads.network import Network, Snap

Longitude = Annotated[float, Field(ge=-180, le=180)]


class LineOfWay(BaseModel):
    """A GeoJSON LineString (RFC 7946)."""

    type: Literal["LineString"]
    coordinates: list[list[float]] = Field(examples=[[[-73.999, 40.708], [-73.9905, 40.701]]])


class Leg(BaseModel):
    """What a way has of one link."""

    sensor: str = Field(description="external id of the link, source:id", examples=["nyc-dot:4616337"])
    name: str = Field(examples=["FDR N Catherine Slip - 25th St"])
    enters_at: datetime = Field(description="when one comes to it", examples=["2026-03-02T12:04:10Z"])
    travel_time_s: float = Field(examples=[241.5])
    length_m: float = Field(description="of what is driven of the link", examples=[3520.5])
    speed_kmh: float = Field(description="length over travel time", examples=[52.5])
    basis: Basis = Field(description="what its speed is taken from, as one comes to it", examples=["forecast"])
    model: str | None = Field(None, description="of the forecast", examples=["network-2026-11-29-1"])


class Route(BaseModel):
    """A way."""

    travel_time_s: float = Field(examples=[812.4])
    lower_s: float | None = Field(
        None, description="travel time with all links at the upper end of their intervals", examples=[640.2]
    )
    upper_s: float | None = Field(
        None, description="travel time with all links at the lower end of their intervals", examples=[1140.9]
    )
    interval_share: float = Field(
        description="share of the travel time whose speeds have an interval", examples=[0.92]
    )
    length_m: float = Field(examples=[9120.0])
    arrive_at: datetime = Field(examples=["2026-03-02T12:13:32Z"])
    overlap: float = Field(description="share of the shorter of it and the first that both have", examples=[0.41])
    geometry: LineOfWay
    legs: list[Leg]


class SnappedPlace(BaseModel):
    """A place on the network, for one that was asked for."""

    lat: float = Field(ge=-90, le=90, examples=[40.7083])
    lon: Longitude = Field(examples=[-73.9992])
    sensor: str = Field(description="external id of the link it is on", examples=["nyc-dot:4616337"])
    distance_m: float = Field(description="from the place asked for", examples=[42.0])


class Closure(BaseModel):
    """A link that is avoided, as all its lanes are blocked."""

    sensor: str = Field(description="external id of the link", examples=["nyc-dot:4616339"])
    incident: str = Field(description="as in /api/v1/incidents", examples=["nyc-collisions:4512345"])


class Routes(BaseModel):
    """The fastest way, then others."""

    depart_at: datetime = Field(examples=["2026-03-02T12:00:00Z"])
    begins: SnappedPlace = Field(description="where the first way begins")
    ends: SnappedPlace = Field(description="where the first way ends")
    routes: list[Route]
    closures: list[Closure] = Field(description="that are avoided, in the whole network")


@dataclass(frozen=True)
class Telling:
    """Ways of one search in the words of the answer, times in `zone`."""

    search: Search
    traffic: Traffic
    zone: ZoneInfo | None

    def answer(self, ways: list[list[Stretch]]) -> dict[str, Any]:
        first, search = ways[0], self.search
        return {
            "depart_at": self._time(search.departs),
            "begins": snapped(search.network, first[0].link, first[0].start, search.origins),
            "ends": snapped(search.network, first[-1].link, first[-1].stop, search.destinations),
            "routes": [self._way(way, first) for way in ways],
            "closures": [
                {"sensor": search.network.links[number].sensor, "incident": incident}
                for number, incident in sorted(self.traffic.closures.items())
            ],
        }

    def _way(self, way: Way, first: Way) -> dict[str, Any]:
        search = self.search
        takes = search.arrival(way) - search.departs
        known = sum(
            left - entered for stretch, entered, left in search.clock(way) if self._is_bounded(stretch, entered)
        )
        share = min(1.0, known / takes) if takes else 0.0
        return {
            "travel_time_s": round(takes, 1),
            "lower_s": round(search.arrival(way, quickest) - search.departs, 1) if share else None,
            "upper_s": round(search.arrival(way, slowest) - search.departs, 1) if share else None,
            "interval_share": round(share, 3),
            "length_m": round(search.length_m(way), 1),
            "arrive_at": self._time(search.departs + takes),
            "overlap": round(search.overlap(way, first), 3),
            "geometry": {"type": "LineString", "coordinates": line_of(search.network, way)},
            "legs": list(self._legs(way)),
        }

    def _is_bounded(self, stretch: Stretch, time: float) -> bool:
        speed = self.search.speed_at(stretch.link, time).speed
        return speed.lower_kmh is not None and speed.upper_kmh is not None

    def _legs(self, way: Way) -> Iterator[dict[str, Any]]:
        for stretch, entered, left in self.search.clock(way):
            link, speed = self.search.network.links[stretch.link], self.search.speed_at(stretch.link, entered).speed
            length, takes = self.search.length_of(stretch), left - entered
            yield {
                "sensor": link.sensor,
                "name": link.name,
                "enters_at": self._time(entered),
                "travel_time_s": round(takes, 1),
                "length_m": round(length, 1),
                "speed_kmh": round(length / takes / MS_PER_KMH if takes else speed.kmh, 1),
                "basis": speed.basis,
                "model": speed.model,
            }

    def _time(self, seconds: float) -> datetime:
        return datetime.fromtimestamp(round(seconds, 1), UTC).astimezone(self.zone or UTC)


def snapped(network: Network, number: int, share: float, among: Iterable[Snap]) -> dict[str, Any]:
    """Where on the network a way begins or ends."""
    lon, lat = network.links[number].line.at(share)
    distance = next(snap.distance_m for snap in among if (snap.link, snap.share) == (number, share))
    return {
        "lat": _degrees(lat),
        "lon": _degrees(lon),
        "sensor": network.links[number].sensor,
        "distance_m": round(distance, 1),
    }


def line_of(network: Network, way: Way) -> list[list[float]]:
    """From end to end; two positions at least, as GeoJSON wants it, and none twice in a row beyond these."""
    parts = (network.links[stretch.link].line.part(*stretch[1:]) for stretch in way)
    places = [[_degrees(number) for number in place] for part in parts for place in part]
    moved = [place for before, place in pairwise(places) if place != before]
    return [places[0], *(moved or places[:1])]


def _degrees(number: float) -> float:
    """To the decimetre: what is between two positions is computed, and no more exact than they are."""
    return round(number, 6)
