"""Every query the API runs, as named SQLAlchemy Core statements."""

from datetime import timedelta
from typing import Final

from sqlalchemy import Select, func, select

from schema.tables import heartbeats, incidents, latest_readings, sensors

SENSORS: Final = select(
    sensors.c.external_id.label("sensor"),
    *[column for column in sensors.c if column.name not in ("id", "external_id", "updated_at")],
).order_by(sensors.c.external_id)

CURRENT: Final = (
    select(
        sensors.c.external_id.label("sensor"),
        sensors.c.free_flow_speed_kmh,
        latest_readings.c.time,
        latest_readings.c.speed_kmh,
        latest_readings.c.volume_vph,
        latest_readings.c.occupancy,
        latest_readings.c.travel_time_s,
    )
    .join_from(sensors, latest_readings, latest_readings.c.sensor_id == sensors.c.id)
    .order_by(sensors.c.external_id)
)

HEARTBEAT_AGES: Final = select(
    heartbeats.c.part, func.extract("epoch", func.now() - func.max(heartbeats.c.time)).label("age_s")
).group_by(heartbeats.c.part)


def incident_list(limit: int, cleared_within: timedelta) -> Select[tuple[object, ...]]:
    """Active incidents, then those cleared within `cleared_within` of the newest update; each newest first."""
    newest = select(func.max(incidents.c.time)).scalar_subquery()
    return (
        select(incidents)
        .where((incidents.c.status != "cleared") | (incidents.c.cleared_at > newest - cleared_within))
        .order_by(incidents.c.status == "cleared", incidents.c.started_at.desc(), incidents.c.id)
        .limit(limit)
    )
