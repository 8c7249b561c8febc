"""What one would write instead, against the same messages, server and table: the ORM, and `executemany`.

Both are given more than they would have: they take the sensors' ids as known, keep no dead letters, commit no offsets
and leave the rollups alone.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

from psycopg import AsyncConnection
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import registry

from bench.ingest.bench import Bench, verify
from bench.ingest.limits import BATCH_ROWS
from bench.ingest.load import SENSORS, Load, sensor_name
from schema.database import sqlalchemy_url
from schema.events import Reading, decode
from schema.tables import readings

Store = Callable[[Sequence[Reading]], Awaitable[None]]

_IDS: Final = {sensor_name(number): number for number in range(1, SENSORS + 1)}
_INSERT: Final = """
    INSERT INTO readings (sensor_id, time, speed_kmh, volume_vph, occupancy, travel_time_s)
    VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""

_mapped = registry(metadata=readings.metadata)


class StoredReading:
    """A reading as an object of the ORM."""

    def __init__(self, reading: Reading) -> None:
        self.sensor_id = _IDS[reading.sensor]
        self.time = reading.time
        self.speed_kmh = reading.speed_kmh
        self.volume_vph = reading.volume_vph
        self.occupancy = reading.occupancy
        self.travel_time_s = reading.travel_time_s


_mapped.map_imperatively(StoredReading, readings)


async def orm_rate(bench: Bench, load: Load, rows: int) -> float:
    """Rows a second by aiokafka and SQLAlchemy's `Session.add_all`, a commit a batch."""
    return await _rate(bench, load, rows, _by_orm)


async def executemany_rate(bench: Bench, load: Load, rows: int) -> float:
    """Rows a second by aiokafka and psycopg's `executemany` with `ON CONFLICT DO NOTHING`, a commit a batch."""
    return await _rate(bench, load, rows, _by_executemany)


@asynccontextmanager
async def _by_orm(url: str) -> AsyncIterator[Store]:
    engine = create_async_engine(sqlalchemy_url(url))

    async def store(batch: Sequence[Reading]) -> None:
        async with AsyncSession(engine) as session:
            session.add_all(map(StoredReading, batch))
            await session.commit()

    try:
        yield store
    finally:
        await engine.dispose()


@asynccontextmanager
async def _by_executemany(url: str) -> AsyncIterator[Store]:
    async with await AsyncConnection.connect(url) as connection:

        async def store(batch: Sequence[Reading]) -> None:
            await connection.cursor().executemany(_INSERT, map(_row, batch))
            await connection.commit()

        yield store


def _row(reading: Reading) -> tuple[object, ...]:
    return (
        _IDS[reading.sensor],
        reading.time,
        reading.speed_kmh,
        reading.volume_vph,
        reading.occupancy,
        reading.travel_time_s,
    )


async def _rate(
    bench: Bench, load: Load, rows: int, way: Callable[[str], AbstractAsyncContextManager[Store]]
) -> float:
    """For the first `rows` of `load` that Kafka gives."""
    async with bench.ready_database(load) as url, way(url) as store, bench.broker.reader() as consumer:
        began, left = time.perf_counter(), rows
        while left:
            polled = await consumer.getmany(timeout_ms=50, max_records=min(BATCH_ROWS, left))
            batch = [decode(Reading, record.value) for records in polled.values() for record in records]
            if batch:
                await store(batch)
            left -= len(batch)
        return await verify(url, rows) / (time.perf_counter() - began)
