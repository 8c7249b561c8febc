"""The database as the source: `readings_5m`, read over JDBC."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from pyspark.sql import SparkSession

from spark import jdbc
from spark.sensors import sensors_of
from spark.series import READINGS
from spark.sources.readings import Taken
from spark.spans import Span, newest_reading

_READINGS: Final = """
    SELECT sensor_id, time, extract(epoch FROM time)::bigint AS epoch, speed_kmh::real AS speed_kmh,
           volume_vph::real AS volume_vph, (stuck > 0)::integer AS stuck
    FROM readings_5m
    WHERE readings > 0
"""


@dataclass(frozen=True)
class Database:
    """`url` is libpq's."""

    url: str = field(repr=False)

    @classmethod
    def checked(cls, url: str) -> "Database":
        """One that answers and has readings, else `ConfigurationError`."""
        newest_reading(url)
        return cls(url)

    def open(self, session: SparkSession) -> "OpenDatabase":
        """Nothing is read yet."""
        return OpenDatabase(session, self.url)


@dataclass(frozen=True)
class OpenDatabase:
    """The same with a session."""

    session: SparkSession
    url: str = field(repr=False)
    name: str = "database"

    def newest(self) -> datetime:
        """The time of the newest reading."""
        return newest_reading(self.url)

    def take(self, span: Span) -> Taken:
        """All sensors of the database are known to it."""
        sensors = sensors_of(self.url)
        ids = (sensors[0].id, sensors[-1].id)
        found = jdbc.read_grid(self.session, jdbc.Source.of(self.url), _READINGS, span, ids)
        return Taken(found.select(*READINGS), unknown_sensors=0)
