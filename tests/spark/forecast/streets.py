"""Roads of a database's sensors, drawn at the equator's zero, where a degree is as wide as it is high."""

from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from tests.schema.roads.links import KM

_SENSOR = """
    INSERT INTO sensors (external_id, name, kind, geometry) VALUES (%(sensor)s, %(sensor)s, %(kind)s, %(drawn)s)
    ON CONFLICT (external_id) DO UPDATE SET geometry = excluded.geometry
"""


def line(*places_km: tuple[float, float]) -> dict[str, Any]:
    """Over places so far east and north."""
    return {"type": "LineString", "coordinates": [[east * KM, north * KM] for east, north in places_km]}


def draw(url: str, *sensors: tuple[str, str, dict[str, Any] | None]) -> None:
    """External id, kind and geometry of each, which may be known already."""
    with psycopg.connect(url) as connection:
        for sensor, kind, drawn in sensors:
            given = {"sensor": sensor, "kind": kind, "drawn": None if drawn is None else Jsonb(drawn)}
            connection.execute(_SENSOR, given)
