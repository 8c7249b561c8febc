"""The fastest ways over a small city of links, and what is said where there is none."""

from typing import Any

from tests.schema.city import METRES_PER_DEGREE, City

KM = 1000 / METRES_PER_DEGREE
MODEL = "gradient-boosting-3"


def at(east_km: float, north_km: float) -> list[float]:
    """A place on a plane about the equator, where a kilometre is as wide as it is high."""
    return [east_km * KM, north_km * KM]


async def link(city: City, name: str, *places: list[float], speed_kmh: float = 60, **columns: Any) -> int:
    line = {"type": "LineString", "coordinates": list(places)}
    known = {"kind": "link", "geometry": Jsonb(line), "free_flow_speed_kmh": speed_kmh, "lanes": 2, **columns}
    return await city.sensor(name, **known)


def asked(start: tuple[float, float], goal: tuple[float, float], **more: Any) -> dict[str, Any]:
    (from_lon, from_lat), (to_lon, to_lat) = at(*start), at(*goal)
    return {"from_lat": from_lat, "from_lon": from_lon, "to_lat": to_lat, "to_lon": to_lon, **more}
