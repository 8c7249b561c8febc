"""Writes batches to the database: one transaction each, a repeat of anything is a no-op.

Readings go by binary COPY straight into their table, whose key refuses a repeat. A batch that holds one, such as one
that Kafka delivers again, is then stored by way of a temporary table and `ON CONFLICT DO NOTHING`, as are the next
few, since repeats come in rows. docs/schema.md has the measurements behind this.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import msgspec
import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg.types.json import Jsonb

from ingest import statements
from ingest.batch import Batch, DeadLetter, Message
from ingest.connection import Connected, Connection
from ingest.copy_format import encode
from ingest.readings import Readings, moment
from schema.chunks import Chunks
from schema.engines import engine_of
from schema.events import EventT, Incident, Sensor, Weather
from schema.incident_places import Placing

REFUSED: Final = "refused"  # the reason of a dead letter that the database did not take
CAREFUL_BATCHES: Final = 50  # after a repeat; a refused COPY then costs 2 % at most
_HOUR: Final = 3_600_000_000  # µs; every chunk is some whole hours wide


@dataclass(frozen=True)
class Rows:
    """Readings as they are to be stored: in the order of the key, with the sensors' ids and a flag each."""

    readings: Readings
    ids: NDArray[np.int32]
    flags: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.readings)

    def take(self, part: slice) -> "Rows":
        """Some of them."""
        places = np.arange(len(self))[part]
        return Rows(self.readings.take(places), self.ids[places], self.flags[places])


@dataclass(frozen=True)
class Transaction:
    """What is stored together: rows and other events of `batch`; `encoded` is what COPY is sent for the rows."""

    batch: Batch
    rows: Rows
    messages: Sequence[Message]
    encoded: bytes

    @classmethod
    def of(cls, batch: Batch, rows: Rows, messages: Sequence[Message]) -> "Transaction":
        return cls(batch, rows, messages, encode(rows.readings, rows.ids, rows.flags))

    def __len__(self) -> int:
        return len(self.rows) + len(self.messages)

    def halves(self) -> "list[Transaction]":
        """The same in two; rows and other events apart where it has both."""
        rows, messages, none = self.rows, self.messages, slice(0)
        if rows and messages:
            return [self.of(self.batch, rows.take(none), messages), replace(self, messages=())]
        cut = len(self) // 2
        parts = (slice(cut), slice(cut, None))
        return [self.of(self.batch, rows.take(part), messages[part]) for part in parts]

    def refused(self, error: psycopg.Error) -> "Refused":
        """The only thing in it, as a dead letter."""
        detail, readings = str(error).strip(), self.rows.readings
        if not self.messages:
            return Refused(self.batch.carriers.letter(int(readings.rows[0]), REFUSED, detail), readings)
        record = self.messages[0].record
        return Refused(DeadLetter(record, record.value or b"", REFUSED, detail), readings)


@dataclass(frozen=True)
class Refused:
    """What the database would not take; `readings` is empty where it was another event."""

    letter: DeadLetter
    readings: Readings


class Writer:
    """Stores transactions, one at a time.

    Raises one of `schema.database.AWAY` when the database is away; nothing of the transaction is then stored, and
    the next call connects anew.
    """

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._connection = Connection(database_url, self._prepare)
        self._chunks: Chunks | None = None
        self._placing = Placing()
        self._careful = 0

    async def store(self, transaction: Transaction) -> list[Refused]:
        """Store all but what the database refuses, which is returned with the reason."""
        if not len(transaction):
            return []
        connection = await self._connection.get()
        await self._ensure_chunks(connection, transaction)
        self._careful = max(0, self._careful - 1)
        try:
            async with connection.transaction():
                await self._write(connection, transaction)
        except psycopg.errors.UniqueViolation as error:
            if self._careful:
                return await self._isolate(transaction, error)
            self._careful = CAREFUL_BATCHES
            return await self.store(transaction)
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            return await self._isolate(transaction, error)
        return []

    async def close(self) -> None:
        """Give the connection back."""
        await self._connection.close()

    async def _prepare(self, connection: Connected) -> None:
        await connection.execute(statements.STAGING)
        self._chunks = Chunks(await asyncio.to_thread(engine_of, self._url))

    async def _ensure_chunks(self, connection: Connected, transaction: Transaction) -> None:
        assert self._chunks is not None  # noqa: S101
        hours = np.unique(transaction.rows.readings.times // _HOUR) * _HOUR
        times = {"readings": {moment(int(hour)) for hour in hours}}
        for message in transaction.messages:
            table, time = statements.SERIES_OF.get(type(message.event)), message.event.occurred_at
            if table is not None and time is not None:
                times.setdefault(table, set()).add(time)
        for table, wanted in times.items():
            await self._chunks.ensure(connection, table, wanted)

    async def _isolate(self, transaction: Transaction, error: psycopg.Error) -> list[Refused]:
        """Halve it until what the database refuses stands alone, and store the rest."""
        if len(transaction) == 1:
            return [transaction.refused(error)]
        return [refused for half in transaction.halves() for refused in await self.store(half)]

    async def _write(self, connection: Connected, transaction: Transaction) -> None:
        async with connection.cursor() as cursor:
            if sensors := _of_kind(transaction, Sensor):
                await cursor.executemany(statements.UPSERT_SENSOR, [_sensor_row(event) for event in sensors])
            if len(transaction.rows):
                await self._copy(cursor, transaction.encoded)
            if incidents := [msgspec.structs.asdict(event) for event in _of_kind(transaction, Incident)]:
                await cursor.executemany(statements.UPSERT_INCIDENT, incidents)
                await cursor.executemany(statements.INSERT_INCIDENT_UPDATE, incidents)
                if unplaced := [one["id"] for one in incidents if not one["sensors"] and one["lat"] is not None]:
                    await self._placing.place(connection, unplaced)
            if weather := [msgspec.structs.asdict(event) for event in _of_kind(transaction, Weather)]:
                await cursor.executemany(statements.INSERT_WEATHER, weather)

    async def _copy(self, cursor: psycopg.AsyncCursor, encoded: bytes) -> None:
        async with cursor.copy(statements.COPY_STAGED if self._careful else statements.COPY_READINGS) as copy:
            await copy.write(encoded)
        if self._careful:
            await cursor.execute(statements.INSERT_STAGED)
            await cursor.execute(statements.EMPTY_STAGING)


def _of_kind(transaction: Transaction, kind: type[EventT]) -> list[EventT]:
    return [message.event for message in transaction.messages if isinstance(message.event, kind)]


def _sensor_row(sensor: Sensor) -> dict[str, object]:
    row = msgspec.structs.asdict(sensor)
    row["geometry"] = None if sensor.geometry is None else Jsonb(msgspec.to_builtins(sensor.geometry))
    return row
