"""Ten questions to REST, and the bare SQL that answers each."""

from dataclasses import dataclass
from random import Random
from typing import Final
from urllib.parse import quote, urlencode

from bench.city import SENSORS

AREAS: Final = 5
SENSOR, SENSOR_ID, AREA, CORRIDOR = "bench:137", 137, "area 2", "Road 6 N"


@dataclass(frozen=True)
class Question:
    """A path under /api/v1, and a statement whose rows are those of the answer."""

    name: str
    path: str
    sql: str


def _path(path: str, **asked: str) -> str:
    return f"/api/v1/{quote(path)}?{urlencode({name.rstrip('_'): text for name, text in asked.items()})}"


_MEANS: Final = (
    "time, round(speed_kmh::numeric, 2)::float8, round(volume_vph::numeric, 1)::float8, "
    "round(occupancy::numeric, 4)::float8, round(travel_time_s::numeric, 1)::float8, readings, "
    "good::float8 / nullif(readings, 0)"
)
_SENSOR: Final = (
    "external_id, name, kind, area, road, direction, lat, lon, geometry, length_m, free_flow_speed_kmh, lanes"
)
DAY_AGO: Final = "(SELECT max(time) FROM latest_readings) - interval '24 hours'"
WEEK_AGO: Final = "(SELECT max(time) FROM latest_readings) - interval '7 days'"


def somewhere(path: str, picked: Random) -> str:
    """The path with a sensor, an area, a corridor of the city's in the place of the one that is named."""
    chosen = {
        f"bench%3A{SENSOR_ID}": f"bench%3A{picked.randint(1, SENSORS)}",
        quote(AREA): quote(f"area {picked.randrange(AREAS)}"),
        AREA.replace(" ", "+"): f"area+{picked.randrange(AREAS)}",
        quote(CORRIDOR): quote(f"Road {picked.randrange(SENSORS // 20)} N"),
    }
    for named, other in chosen.items():
        path = path.replace(named, other)
    return path


QUESTIONS: Final = (
    Question(
        "sensors",
        _path("sensors", area=AREA),
        f"SELECT {_SENSOR} FROM sensors WHERE lower(area) = '{AREA}' ORDER BY external_id LIMIT 1001",
    ),
    Question(
        "sensor",
        _path(f"sensors/{SENSOR}"),
        f"SELECT {_SENSOR} FROM sensors WHERE external_id = '{SENSOR}'",
    ),
    Question(
        "history",
        _path(f"sensors/{SENSOR}/history", from_="latest-24h", to="latest"),
        f"SELECT {_MEANS} FROM readings_5m WHERE sensor_id = {SENSOR_ID} AND time >= {DAY_AGO} "
        "ORDER BY time LIMIT 1001",
    ),
    Question(
        "area_history",
        _path(f"areas/{AREA}/history", from_="latest-7d", to="latest"),
        f"SELECT {_MEANS} FROM area_1h WHERE area = '{AREA}' AND time >= {WEEK_AGO} ORDER BY time LIMIT 1001",
    ),
    Question(
        "current",
        _path("traffic/current"),
        "SELECT sensor, time, speed_kmh, volume_vph, occupancy, travel_time_s, free_flow_speed_kmh, speed_ratio, "
        "level_of_service FROM current_conditions ORDER BY sensor LIMIT 1001",
    ),
    Question(
        "areas",
        _path("traffic/areas"),
        "SELECT area, max(time), count(*), avg(speed_kmh), avg(speed_ratio), "
        + ", ".join(f"count(*) FILTER (WHERE level_of_service = '{level}')" for level in "ABCDEF")
        + " FROM (SELECT * FROM current_conditions OFFSET 0) AS fresh "
        "WHERE time > (SELECT max(time) FROM latest_readings) - interval '15 minutes' GROUP BY area ORDER BY area",
    ),
    Question(
        "travel_times",
        _path(f"corridors/{CORRIDOR}/travel-times", from_="latest-24h", to="latest"),
        f"SELECT time, length_m, travel_time_s, travel_time_index, imputed_share, good_share "
        f"FROM corridor_travel_times WHERE corridor = '{CORRIDOR}' AND time >= {DAY_AGO} ORDER BY time LIMIT 1001",
    ),
    Question(
        "scan",
        _path(f"corridors/{CORRIDOR}/scan", from_="latest-3h", to="latest"),
        f"SELECT time, ordinal, position_m, sensor, speed_kmh, speed_ratio, good_share FROM congestion_scan "
        f"WHERE corridor = '{CORRIDOR}' AND time >= (SELECT max(time) FROM latest_readings) - interval '3 hours' "
        "ORDER BY time, ordinal LIMIT 1001",
    ),
    Question(
        "delay",
        _path("delay", area=AREA, from_="latest-24h", to="latest"),
        f"SELECT * FROM delay_daily WHERE lower(area) = '{AREA}' AND day >= ({DAY_AGO})::date "
        "ORDER BY day, sensor LIMIT 1001",
    ),
    Question(
        "bottlenecks",
        _path("bottlenecks", from_="latest-7d", to="latest"),
        f"SELECT * FROM bottlenecks WHERE day >= ({WEEK_AGO})::date ORDER BY day DESC, rank LIMIT 1001",
    ),
)
