"""What a job knows of a city: its readings in the span, its sensors, and its calendar, all as Spark frames.

readings   sensor_id, epoch (start of 5 minutes, s), speed_kmh and volume_vph (of the good readings; null where
           none is), stuck (1 or 0); cached, since several jobs read it
moments    epoch, day (its ordinal), minute (of the local day, in steps of 15), day_type, weekday, hour
           (of the week)
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg.rows import class_row
from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from spark.calendar import Calendar
from spark.jdbc import Source, read_grid
from spark.runs import Run
from spark.spans import Span
from urbanclear.errors import ConfigurationError

_SENSORS: Final = """
    SELECT sensors.id, external_id AS sensor, area, road, corridor, ordinal
    FROM sensors LEFT JOIN measures.links ON links.sensor_id = sensors.id
    ORDER BY sensors.id
"""
_READINGS: Final = """
    SELECT sensor_id, time, extract(epoch FROM time)::bigint AS epoch, speed_kmh::real AS speed_kmh,
           volume_vph::real AS volume_vph, (stuck > 0)::integer AS stuck
    FROM readings_5m
    WHERE readings > 0
"""


@dataclass(frozen=True)
class Sensor:
    """A sensor, and its place along its corridor."""

    id: int
    sensor: str
    area: str | None
    road: str | None
    corridor: str | None
    ordinal: int | None


@dataclass(frozen=True)
class City:
    """A span of a city."""

    session: SparkSession
    sensors: list[Sensor]
    readings: DataFrame
    moments: DataFrame

    def placed(self) -> DataFrame:
        """`sensor_id, sensor, area, road` of all sensors, small."""
        rows = [(sensor.id, sensor.sensor, sensor.area, sensor.road) for sensor in self.sensors]
        return f.broadcast(
            self.session.createDataFrame(rows, "sensor_id int, sensor string, area string, road string")
        )

    def dated(self) -> DataFrame:
        """The readings with their place in the calendar."""
        return self.readings.join(f.broadcast(self.moments), "epoch")


@contextmanager
def city_of(session: SparkSession, database_url: str, run: Run, calendar: Calendar) -> Iterator[City]:
    """The city of a database in the run's span, whose readings are read once; they are forgotten on leaving.

    Raises `ConfigurationError` where there are no sensors, or no readings in the span.
    """
    with run.stage("Reading"):
        sensors = sensors_of(database_url)
        ids = (sensors[0].id, sensors[-1].id)
        readings = read_grid(session, Source.of(database_url), _READINGS, run.span, ids)
        readings = readings.select("sensor_id", "epoch", "speed_kmh", "volume_vph", "stuck").persist(
            StorageLevel.MEMORY_AND_DISK
        )
        found = readings.count()
    if not found:
        raise ConfigurationError(
            f"There are no readings from {run.span.start:%Y-%m-%d %H:%M} to {run.span.end:%Y-%m-%d %H:%M} UTC: "
            f"choose another --from and --to, or start a source, for example with `urbanclear up`."
        )
    run.rows_in += found
    try:
        yield City(session, sensors, readings, _moments(session, calendar, run.span))
    finally:
        readings.unpersist()


def sensors_of(database_url: str) -> list[Sensor]:
    """All sensors; raises `ConfigurationError` where there is none."""
    with psycopg.connect(database_url) as connection, connection.cursor(row_factory=class_row(Sensor)) as cursor:
        found = cursor.execute(_SENSORS).fetchall()
    if not found:
        raise ConfigurationError("There are no sensors yet: start a source, for example with `urbanclear up`.")
    return found


def _moments(session: SparkSession, calendar: Calendar, span: Span) -> DataFrame:
    rows = [
        (moment.epoch, moment.day.toordinal(), moment.minute, moment.day_type, moment.weekday, moment.hour_of_week)
        for moment in calendar.moments(span)
    ]
    return session.createDataFrame(
        rows, "epoch long, day int, minute int, day_type string, weekday int, hour int"
    ).cache()
