"""What is asked of the newest readings."""

from typing import Final

from sqlalchemy import select

from schema.tables import latest_readings, sensors

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
