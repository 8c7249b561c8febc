"""A backlog in Kafka becomes rows: how long from a consumer's first partitions to the last row of each partition.

Rows are looked up by their key, a few times a second; all are counted once at the end.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from psycopg import AsyncConnection
from psycopg.rows import scalar_row

from bench.ingest.bench import Bench, verify
from bench.ingest.broker import Key
from bench.ingest.load import Load
from bench.ingest.process import Ingest, new_ingest, running
from urbanclear.embedded.process import Process
from urbanclear.errors import UrbanclearError

PAUSE_SECONDS: Final = 0.02
START_SECONDS: Final = 90.0
SLOWEST_ROWS_PER_S: Final = 1_000

_ANY_ROW = "SELECT EXISTS (SELECT FROM readings)"
_ROW = """
    SELECT EXISTS (
        SELECT FROM readings WHERE sensor_id = (SELECT id FROM sensors WHERE external_id = %s) AND time = %s
    )
"""


@dataclass(frozen=True)
class Drained:
    """How a backlog was stored."""

    rows: int
    seconds: float
    seconds_with_start: float

    @property
    def rate(self) -> float:
        """Rows a second from the moment the consumer had its partitions."""
        return self.rows / self.seconds

    @property
    def rate_with_start(self) -> float:
        """Rows a second from the moment its process was started."""
        return self.rows / self.seconds_with_start


async def drained_by_ingest(bench: Bench, url: str, load: Load) -> tuple[Drained, Ingest]:
    """Start `urbanclear ingest` on an empty database and wait until all of `load` is stored."""
    ingest = new_ingest(bench, url)
    began = time.monotonic()
    async with running(ingest):
        return await drained(bench, url, load, ingest.process, ingest.group, began), ingest


async def drained(bench: Bench, url: str, load: Load, process: Process, group: str, began: float) -> Drained:
    """Wait until `process`, started at `began` with consumers in `group`, has stored all of `load`."""
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        begun = partial(_has_begun, bench, connection, group)
        await _until(begun, process, START_SECONDS, "The consumer has no partitions")
        first = time.monotonic()
        await until_visible(connection, bench.broker.last_keys(load), process, longest_seconds(load))
        ended = time.monotonic()
    return Drained(await verify(url, load.rows), ended - first, ended - began)


async def until_visible(
    connection: AsyncConnection, keys: Iterable[Key], process: Process, seconds: float = START_SECONDS
) -> None:
    """Wait for these rows; raises `UrbanclearError` when one takes longer than `seconds`, or `process` has ended."""
    for sensor, moment in keys:
        found = partial(is_stored, connection, sensor, moment)
        await _until(found, process, seconds, f"The reading of {sensor} at {moment} is not stored")


def longest_seconds(load: Load) -> float:
    """After which a consumer of `load` is given up."""
    return START_SECONDS + load.rows / SLOWEST_ROWS_PER_S


async def until_begun(connection: AsyncConnection, process: Process) -> None:
    """Wait for the first row."""
    await _until(partial(_fetch, connection, _ANY_ROW), process, START_SECONDS, "No reading is stored")


async def is_stored(connection: AsyncConnection, sensor: str, moment: datetime) -> bool:
    """Whether the reading is visible."""
    return await _fetch(connection, _ROW, sensor, moment)


async def _has_begun(bench: Bench, connection: AsyncConnection, group: str) -> bool:
    return await bench.broker.has_members(group) or await _fetch(connection, _ANY_ROW)


async def _fetch(connection: AsyncConnection, query: str, *values: Any) -> bool:
    cursor = connection.cursor(row_factory=scalar_row)
    await cursor.execute(query.encode(), values)
    return bool(await cursor.fetchone())


async def _until(condition: Callable[[], Awaitable[bool]], process: Process, seconds: float, problem: str) -> None:
    end = time.monotonic() + seconds
    while not await condition():
        if not process.running:
            raise process.failure()
        if time.monotonic() > end:
            raise UrbanclearError(
                f"{problem} after {seconds:.0f} s; {process.name} said last:\n  {process.last_words(5)}"
            )
        await asyncio.sleep(PAUSE_SECONDS)
