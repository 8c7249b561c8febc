"""A small city made by hand: sensors and readings with known numbers, and what the measures say of them."""

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from psycopg import AsyncConnection, sql
from psycopg.rows import dict_row

from schema.chunks import Chunks
from schema.engines import Engine, engine_of
from schema.measures import Definition, compute_days
from schema.retention import Retention
from schema.rollups import FIVE_MINUTES
from tests.readings import NOTE_LATEST
from urbanclear.settings import Settings

METRES_PER_DEGREE = 111_195.0
"""Of latitude, on a sphere of the Earth's mean radius."""


class Reading(NamedTuple):
    """A row of `readings`."""

    sensor_id: int
    time: datetime
    speed_kmh: float | None = None
    volume_vph: float | None = None
    flag: int | None = None


@dataclass(frozen=True)
class City:
    """A database with the newest schema, in autocommit."""

    connection: AsyncConnection
    engine: Engine

    async def sensor(self, name: str, **columns: object) -> int:
        """A new sensor `t:name`; returns its id."""
        known = {"external_id": f"t:{name}", "name": name, **columns}
        query = sql.SQL("INSERT INTO sensors ({}) VALUES ({}) RETURNING id").format(
            sql.SQL(", ").join(map(sql.Identifier, known)), sql.SQL(", ").join(map(sql.Placeholder, known))
        )
        row = await (await self.connection.execute(query, known)).fetchone()
        assert row is not None
        return int(row[0])

    async def corridor(self, road: str, places_km: Iterable[float], **columns: object) -> list[int]:
        """Detectors of 1 km each along a road northwards; returns their ids in the direction of travel."""
        known = {"road": road, "direction": "N", "lon": -73.9, "length_m": 1000, **columns}
        return [
            await self.sensor(f"{road}-{number}", lat=40 + km * 1000 / METRES_PER_DEGREE, **known)
            for number, km in enumerate(places_km)
        ]

    async def incident(
        self, name: str, sensors: list[str], started_at: datetime, cleared_at: datetime | None
    ) -> None:
        """Told of once, when it was cleared or else when it began."""
        await self.connection.execute(
            "INSERT INTO incidents (id, time, status, kind, severity, started_at, cleared_at, sensors) "
            "VALUES (%s, %s, %s, 'crash', 'high', %s, %s, %s)",
            [
                name,
                cleared_at or started_at,
                "cleared" if cleared_at else "reported",
                started_at,
                cleared_at,
                [f"t:{sensor}" for sensor in sensors],
            ],
        )

    async def read(self, readings: Iterable[Reading]) -> None:
        """Store readings as ingest does, and bring the rollups up to them."""
        rows = list(readings)
        times = [row.time for row in rows]
        await Chunks(self.engine).ensure(self.connection, "readings", times)
        copy = "COPY readings (sensor_id, time, speed_kmh, volume_vph, flag) FROM STDIN"
        async with self.connection.cursor() as cursor, cursor.copy(copy) as writing:
            for row in rows:
                await writing.write_row(row)
        await self.connection.execute(NOTE_LATEST)
        await self.engine.recompute(self.connection, min(times), max(times) + FIVE_MINUTES, Retention())

    async def chunks(self, *relations: str, at: datetime) -> None:
        """Room for rows of `at` in other time series."""
        for relation in relations:
            await Chunks(self.engine).ensure(self.connection, relation, [at])

    async def compute(self, *days: date, time_zone: str = "UTC", **choices: Any) -> None:
        """The measures of `days`, in a city of `time_zone` that makes these choices."""
        settings = Settings(time_zone=time_zone, **choices)
        await compute_days(self.connection, list(days), Definition.of(settings))

    async def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        """The answer to `query`, each row by column."""
        async with self.connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(query.encode(), values)
            return await cursor.fetchall()

    async def row(self, query: str, *values: object) -> dict[str, Any]:
        """The answer to `query` where it is a single row."""
        [row] = await self.rows(query, *values)
        return row


@asynccontextmanager
async def city_at(url: str) -> AsyncIterator[City]:
    """Its database does nothing by itself, so that no refresh of the server's own gets in the way of `read`."""
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        engine = engine_of(url)
        await engine.pause_jobs(connection)
        yield City(connection, engine)


def every_5_minutes(
    sensor: int, start: datetime, speeds: Iterable[float | None], volume_vph: float | None = None
) -> Iterator[Reading]:
    """One reading in each bucket from `start` on."""
    for number, speed in enumerate(speeds):
        yield Reading(sensor, start + number * FIVE_MINUTES, speed, volume_vph)


def hours(number: float) -> timedelta:
    return timedelta(hours=number)
