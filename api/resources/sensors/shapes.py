"""A sensor as it is told, and its health."""

from typing import Any, Final

from sqlalchemy import ColumnElement, Double, cast, func, literal

from api.http.shapes import Shape, shape, told
from schema.relations import sensor_health
from schema.roads.lines import EARTH_M_PER_DEGREE
from schema.tables import sensors

SENSOR: Final = shape(
    "Sensor",
    "Where traffic is measured",
    [
        told(sensors.c.external_id, "sensor", "external id, source:id", "nyc-dot:4616337"),
        told(sensors.c.name, example="FDR N Catherine Slip - 25th St"),
        told(sensors.c.kind, example="link"),
        told(sensors.c.area, example="Manhattan"),
        told(sensors.c.road, example="FDR Drive"),
        told(sensors.c.direction, example="N"),
        told(sensors.c.lat, example=40.71141),
        told(sensors.c.lon, example=-73.97866),
        told(sensors.c.geometry, example={"type": "Point", "coordinates": [-73.97866, 40.71141]}),
        told(sensors.c.length_m, example=3520.5),
        told(sensors.c.free_flow_speed_kmh, example=72.0),
        told(sensors.c.lanes, example=3),
    ],
)

HEALTH: Final = shape(
    "SensorHealth",
    "How far a sensor can be trusted, over the last 24 hours of the data",
    [told(column) for column in sensor_health.c if column.name != "sensor_id"],
)


def distance_m(lat: float, lon: float) -> ColumnElement[Any]:
    """From a place to each sensor, in metres: the haversine formula (Sinnott 1984)."""
    half_lat = func.sind((sensors.c.lat - literal(lat, Double)) / 2)
    half_lon = func.sind((sensors.c.lon - literal(lon, Double)) / 2)
    chord = half_lat * half_lat + func.cosd(sensors.c.lat) * func.cosd(literal(lat, Double)) * half_lon * half_lon
    return cast(2 * func.asind(func.sqrt(func.least(1.0, chord))) * EARTH_M_PER_DEGREE, Double)


def nearest(lat: float, lon: float) -> Shape:
    """A sensor and how far it is from a place."""
    distance = told(distance_m(lat, lon), "distance_m", "from the place asked for, m", 312.4)
    return Shape("NearSensor", "A sensor near a place", (distance, *SENSOR.fields))
