"""Writes batches to the database: one transaction each, a repeat of anything is a no-op.

Readings go by binary COPY straight into their table, whose key refuses a repeat. A batch that holds one, such as one
that Kafka delivers again, is then stored by way of a temporary table and `ON CONFLICT DO NOTHING`, as are the next
few, since repeats come in rows. docs/schema.md has the measurements behind this.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import msgspec
import psycopg
from psycopg.rows import tuple_row
from psycopg.types.json import Jsonb

from ingest import statements
from ingest.batch import DeadLetter, Message, of_kind
from schema.chunks import Chunks
from schema.database import APPLICATION
from schema.engines import engine_of
from schema.events import Incident, Reading, Sensor, Weather
from schema.heartbeat import BEAT

_READING_TYPES = ("int4", "timestamptz", "float4", "float4", "float4", "float4")
_CAREFUL_BATCHES = 50  # after a repeat; a refused COPY then costs 2 % at most


class Writer:
    """A connection that stores batches. Not for use by two tasks at once.

    `store` raises `psycopg.OperationalError` when the database is away; nothing of the batch is then stored, and
    the next call connects anew.
    """

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._connection: psycopg.AsyncConnection | None = None
        self._chunks: Chunks | None = None
        self._ids: dict[str, int] = {}
        self._careful = 0

    async def store(self, messages: Sequence[Message]) -> list[DeadLetter]:
        """Store all `messages` but those the database refuses, which are returned with the reason."""
        if not messages:
            return []
        connection = await self._connected()
        await self._ensure_chunks(connection, messages)
        await self._register(connection, {reading.sensor for reading in of_kind(messages, Reading)})
        self._careful = max(0, self._careful - 1)
        try:
            async with connection.transaction():
                await self._write(connection, messages)
        except psycopg.errors.UniqueViolation as error:
            if self._careful:
                return await self._isolate(messages, error)
            self._careful = _CAREFUL_BATCHES
            return await self.store(messages)
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            return await self._isolate(messages, error)
        return []

    async def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def beat(self, part: str, instance: str) -> None:
        """Say in the database that this part is well."""
        connection = await self._connected()
        await connection.execute(BEAT, [part, instance])

    async def _connected(self) -> psycopg.AsyncConnection:
        if self._connection is not None and not self._connection.closed:
            return self._connection
        connection = await psycopg.AsyncConnection.connect(
            self._url, autocommit=True, connect_timeout=5, application_name=APPLICATION, row_factory=tuple_row
        )
        await connection.execute(statements.STAGING)
        self._chunks = Chunks(await asyncio.to_thread(engine_of, self._url))
        self._ids.clear()
        self._connection = connection
        return connection

    async def _ensure_chunks(self, connection: psycopg.AsyncConnection, messages: Sequence[Message]) -> None:
        times: dict[str, set[datetime]] = {}
        for message in messages:
            table = statements.SERIES_OF.get(type(message.event))
            if table is not None and message.event.occurred_at is not None:
                times.setdefault(table, set()).add(message.event.occurred_at)
        assert self._chunks is not None  # noqa: S101
        for table, wanted in times.items():
            await self._chunks.ensure(connection, table, wanted)

    async def _register(self, connection: psycopg.AsyncConnection, sensors: set[str]) -> None:
        """Know the ids of `sensors`; those that nobody has described yet are given one."""
        unknown = sorted(sensors - self._ids.keys())
        if unknown:
            await connection.execute(statements.REGISTER_SENSORS, [unknown])
            found = await connection.execute(statements.SENSOR_IDS, [unknown])
            self._ids.update(await found.fetchall())

    async def _isolate(self, messages: Sequence[Message], error: psycopg.Error) -> list[DeadLetter]:
        """Halve the batch until what the database refuses stands alone, and store the rest."""
        if len(messages) == 1:
            return [DeadLetter(messages[0].record, "refused", str(error).strip())]
        middle = len(messages) // 2
        return [*await self.store(messages[:middle]), *await self.store(messages[middle:])]

    async def _write(self, connection: psycopg.AsyncConnection, messages: Sequence[Message]) -> None:
        async with connection.cursor() as cursor:
            if sensors := of_kind(messages, Sensor):
                await cursor.executemany(statements.UPSERT_SENSOR, [_sensor_row(event) for event in sensors])
            if readings := of_kind(messages, Reading):
                await self._write_readings(cursor, readings)
            if incidents := [msgspec.structs.asdict(event) for event in of_kind(messages, Incident)]:
                await cursor.executemany(statements.UPSERT_INCIDENT, incidents)
                await cursor.executemany(statements.INSERT_INCIDENT_UPDATE, incidents)
            if weather := [msgspec.structs.asdict(event) for event in of_kind(messages, Weather)]:
                await cursor.executemany(statements.INSERT_WEATHER, weather)

    async def _write_readings(self, cursor: psycopg.AsyncCursor, readings: Sequence[Reading]) -> None:
        rows = {
            (sensor, reading.time): (
                sensor,
                reading.time,
                reading.speed_kmh,
                reading.volume_vph,
                reading.occupancy,
                reading.travel_time_s,
            )
            for reading in reversed(readings)  # of two in one batch the first stays, as it would in two batches
            for sensor in (self._ids[reading.sensor],)
        }
        async with cursor.copy(statements.COPY_STAGED if self._careful else statements.COPY_READINGS) as copy:
            copy.set_types(_READING_TYPES)
            for row in reversed(rows.values()):
                await copy.write_row(row)
        if self._careful:
            await cursor.execute(statements.INSERT_STAGED)
            await cursor.execute(statements.EMPTY_STAGING)
        newest = {row[0]: row for row in sorted(rows.values(), key=lambda row: row[1])}
        await cursor.execute(
            statements.UPSERT_LATEST, [list(column) for column in zip(*newest.values(), strict=True)]
        )


def _sensor_row(sensor: Sensor) -> dict[str, object]:
    row = msgspec.structs.asdict(sensor)
    row["geometry"] = None if sensor.geometry is None else Jsonb(msgspec.to_builtins(sensor.geometry))
    return row
