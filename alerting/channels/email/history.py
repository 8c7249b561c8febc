"""The last hours of a sensor's speed, what is normal then, and the speed that its rule asks for, for the chart in an
e-mail."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from schema.alerting import definitions
from schema.alerting.rules import Rule, Threshold
from schema.relations import rollups
from schema.tables import profiles, sensors
from urbanclear.errors import ConfigurationError
from urbanclear.public_holidays import day_type, public_holidays

SPAN: Final = timedelta(hours=6)
_QUARTER: Final = timedelta(minutes=15)
_readings = rollups["readings_5m"]


@dataclass(frozen=True)
class History:
    """Times with their speeds, and times with the 10th percentile, median and 90th percentile that are normal.

    `bound` is the speed from which its rule fires, where it is about speeds.
    """

    name: str
    speeds: list[tuple[datetime, float]]
    normal: list[tuple[datetime, float, float, float]]
    bound: float | None = None


class Histories:
    """Asks the database; days and holidays are those of the city."""

    def __init__(self, engine: AsyncEngine, time_zone: str, holidays: str) -> None:
        self._engine = engine
        self._zone = ZoneInfo(time_zone)
        self._holidays = holidays

    async def of(self, sensor: str, until: datetime, rule: str | None = None) -> History | None:
        """Of the sensor with the external id `sensor`, of which `rule` told; None where it said nothing then."""
        span = (until - SPAN, until)
        asked = (
            select(sensors.c.name, sensors.c.free_flow_speed_kmh, _readings.c.time, _readings.c.speed_kmh)
            .join_from(sensors, _readings, sensors.c.id == _readings.c.sensor_id)
            .where(sensors.c.external_id == sensor, _readings.c.time.between(*span))
            .where(_readings.c.speed_kmh.is_not(None))
            .order_by(_readings.c.time)
        )
        async with self._engine.connect() as connection:
            rows = (await connection.execute(asked)).all()
            if not rows:
                return None
            normal = await self._normal(connection, sensor, *span)
            bound = await _bound(connection, rule, rows[0].free_flow_speed_kmh) if rule else None
        return History(rows[0].name, [(row.time, float(row.speed_kmh)) for row in rows], normal, bound)

    async def _normal(
        self, connection: AsyncConnection, sensor: str, start: datetime, end: datetime
    ) -> list[tuple[datetime, float, float, float]]:
        table = profiles
        asked = select(
            table.c.day_type, table.c.minute, table.c.lower_kmh, table.c.speed_kmh, table.c.upper_kmh
        ).where(table.c.subject_kind == "sensor", table.c.subject == sensor)
        known = {(row[0], row[1]): (row[2], row[3], row[4]) for row in await connection.execute(asked)}
        quarters = self._quarters(start, end)
        return [(time, *known[kind]) for time, kind in quarters if kind in known]

    def _quarters(self, start: datetime, end: datetime) -> list[tuple[datetime, tuple[str, int]]]:
        """Each quarter of an hour, with its kind of day and minute as profiles have them."""
        seconds = int(_QUARTER.total_seconds())
        first = datetime.fromtimestamp(int(start.timestamp()) // seconds * seconds, UTC)
        times = [first + number * _QUARTER for number in range(int((end - first) / _QUARTER) + 1)]
        return [(time, self._kind(time.astimezone(self._zone))) for time in times]

    def _kind(self, local: datetime) -> tuple[str, int]:
        minute = local.hour * 60 + local.minute // 15 * 15
        return day_type(local.date(), public_holidays(self._holidays)), minute


async def _bound(connection: AsyncConnection, rule: str, free_flow_kmh: float | None) -> float | None:
    """The speed from which `rule` fires; None where it asks for something else than a sensor's speed."""
    row = (await connection.execute(definitions.current("rule", rule))).mappings().one_or_none()
    try:
        when = definitions.kept(row, Rule).definition.when if row is not None else None
    except ConfigurationError:
        return None
    if not isinstance(when, Threshold) or when.by != "sensor":
        return None
    unit = {"speed_kmh": 1.0, "speed_ratio": free_flow_kmh}.get(when.measure)
    bound = when.below if when.below is not None else when.above
    return bound * unit if bound is not None and unit else None
