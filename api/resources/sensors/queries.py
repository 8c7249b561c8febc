"""What is asked of sensors."""

from typing import Final

from sqlalchemy import select

from schema.tables import sensors

SENSORS: Final = select(
    sensors.c.external_id.label("sensor"),
    *[column for column in sensors.c if column.name not in ("id", "external_id", "updated_at")],
).order_by(sensors.c.external_id)
