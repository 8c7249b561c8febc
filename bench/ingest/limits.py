"""The bare parts that ingest stands on, on the same messages and rows: polling Kafka, COPY into the same relation.

Neither does anything else. COPY is given its input ready made, in batches as ingest makes by default, in the order
that the server takes faster.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import psycopg

from bench.ingest.bench import Bench, verify
from bench.ingest.load import Load
from urbanclear.settings import Settings

PROBE_SHARE: Final = 0.1
BATCH_ROWS: Final[int] = Settings.model_fields["ingest_batch_rows"].default
COPY: Final = (
    "COPY readings (sensor_id, time, speed_kmh, volume_vph, occupancy, travel_time_s) FROM STDIN (FORMAT binary)"
)


@dataclass(frozen=True)
class Limit:
    """Rows a second of each bare part."""

    kafka: float
    database: float

    @property
    def rate(self) -> float:
        """That of the slower, which no consumer of this kind exceeds."""
        return min(self.kafka, self.database)

    @property
    def stage(self) -> str:
        """Which is the slower."""
        return "kafka" if self.kafka < self.database else "database"


async def kafka_rate(bench: Bench, load: Load) -> float:
    """Rows a second that a consumer polls and drops."""
    async with bench.broker.reader() as consumer:
        began = time.perf_counter()
        places = list(consumer.assignment())
        first, end = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
        left = sum(end[place] - first[place] for place in places)
        while left > 0:
            polled = await consumer.getmany(timeout_ms=50, max_records=BATCH_ROWS)
            left -= sum(map(len, polled.values()))
        return load.rows / (time.perf_counter() - began)


async def copy_rate(bench: Bench, load: Load, *, by_key: bool) -> float:
    """Rows a second by COPY on one connection, a transaction a batch."""
    batches = load.copies(BATCH_ROWS, by_key=by_key)
    async with bench.ready_database(load) as url:
        seconds = await asyncio.to_thread(_copy_seconds, url, batches)
        return await verify(url, load.rows) / seconds


async def faster_by_key(bench: Bench, load: Load) -> bool:
    """Whether COPY is faster with each batch by key than with readings as they arrived; tried on a part of `load`."""
    probe = load.part(PROBE_SHARE)
    return await copy_rate(bench, probe, by_key=True) > await copy_rate(bench, probe, by_key=False)


def _copy_seconds(url: str, batches: Sequence[bytes]) -> float:
    with psycopg.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        began = time.perf_counter()
        for batch in batches:
            with cursor.copy(COPY) as copy:
                copy.write(batch)
        return time.perf_counter() - began
