"""What traffic is like now, as it is told: by sensor, by area, in the whole city."""

from datetime import timedelta
from typing import Final

from sqlalchemy import BigInteger, case, cast, func, literal, select
from sqlalchemy.dialects.postgresql import INTERVAL

from api.http.shapes import Told, rounded, shape, told
from schema.relations import current_conditions as now
from schema.rollups import UNASSIGNED
from schema.tables import latest_readings

#: What stopped longer before the newest reading is no part of "now".
FRESH: Final = timedelta(minutes=15)

TRAFFIC: Final = shape(
    "Traffic",
    "The newest good reading of a sensor and what it means",
    [
        told(now.c.sensor, example="nyc-dot:4616337"),
        told(now.c.time, example="2026-03-02T12:00:00Z"),
        told(now.c.speed_kmh, example=47.5),
        told(now.c.volume_vph, example=1260.0),
        told(now.c.occupancy, example=0.12),
        told(now.c.travel_time_s, example=266.0),
        told(now.c.free_flow_speed_kmh, example=72.0),
        told(now.c.speed_ratio, example=0.66),
        told(now.c.level_of_service, "los", example="D"),
    ],
)

NEWEST: Final = select(func.max(latest_readings.c.time)).scalar_subquery()
#: A row a sensor that reports. The offset keeps the planner from working a row's level out anew for each count.
_fresh: Final = (
    select(now.c.area, now.c.time, now.c.speed_kmh, now.c.speed_ratio, now.c.level_of_service)
    .where(now.c.time > NEWEST - literal(FRESH, INTERVAL))
    .offset(0)
    .subquery("fresh")
)


def _levels() -> list[Told]:
    return [
        told(
            func.count(case((_fresh.c.level_of_service == level, 1))),
            f"los_{level.lower()}",
            f"sensors at level of service {level}",
            3,
        )
        for level in "ABCDEF"
    ]


_SUMMARY: Final = [
    told(func.max(_fresh.c.time), "time", "of the newest reading", "2026-03-02T12:00:00Z"),
    told(
        cast(func.count(), BigInteger),
        "reporting",
        f"sensors with a reading in the last {FRESH.seconds // 60} min",
        85,
    ),
    told(rounded(func.avg(_fresh.c.speed_kmh), 2), "speed_kmh", "mean over the sensors", 41.2),
    told(rounded(func.avg(_fresh.c.speed_ratio), 3), "speed_ratio", "mean of speed over free-flow speed", 0.71),
    *_levels(),
]

area_name: Final = func.coalesce(_fresh.c.area, UNASSIGNED)
CITY: Final = shape("CityTraffic", "What traffic is like now in the whole city", _SUMMARY)
AREA: Final = shape(
    "AreaTraffic",
    "What traffic is like now in a part of the city",
    [told(area_name, "area", "part of the city", "Manhattan"), *_SUMMARY],
)
