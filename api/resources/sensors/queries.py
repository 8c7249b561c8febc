"""What is asked of sensors."""

from typing import Final

from sqlalchemy import func, select

from schema.tables import links, sensors

#: Every sensor, as the live bridge needs it: its free-flow speed is its own, or what was measured.
SENSORS: Final = (
    select(
        sensors.c.external_id.label("sensor"),
        *[c for c in sensors.c if c.name not in ("id", "external_id", "updated_at", "free_flow_speed_kmh")],
        func.coalesce(sensors.c.free_flow_speed_kmh, links.c.free_flow_speed_kmh).label("free_flow_speed_kmh"),
    )
    .join_from(sensors, links, links.c.sensor_id == sensors.c.id, isouter=True)
    .order_by(sensors.c.external_id)
)
