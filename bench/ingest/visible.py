"""How soon a reading is a row while readings come steadily, a message each: from `publish` to a look-up by key.

They are published every 10 ms by the process that also looks them up, on the cores that everything else runs on.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Final

from psycopg import AsyncConnection

from bench.ingest.backlog import is_stored, until_visible
from bench.ingest.bench import Bench
from bench.ingest.load import SENSORS, described_sensors, sensor_name
from bench.ingest.process import new_ingest, running
from schema.events import Reading
from schema.publisher import Publisher, open_publisher

READINGS_PER_S: Final = 5_000
TICK_SECONDS: Final = 0.01
SAMPLE_EVERY_TICKS: Final = 10
LOOK_SECONDS: Final = 0.005
LONGEST_SECONDS: Final = 30.0


@dataclass
class Samples:
    """Readings that are waited for, with when they were published, and how long those took that are there."""

    waiting: dict[tuple[str, datetime], float] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)


async def seconds_to_visible(bench: Bench, seconds: float, rounds: int) -> list[list[float]]:
    """Of each round of so many seconds, how long each of its samples took; ingest has been running by then."""
    await bench.broker.empty()
    async with bench.database() as url, open_publisher(bench.broker.bootstrap) as publisher:
        ingest = new_ingest(bench, url)
        async with running(ingest), await AsyncConnection.connect(url, autocommit=True) as connection:
            for sensor in described_sensors():
                await publisher.publish(sensor)
            first = _reading(1)
            await publisher.publish(first)
            await until_visible(connection, [(first.sensor, first.time)], ingest.process, LONGEST_SECONDS)
            return [await _round(bench, connection, publisher, seconds, number) for number in range(1, rounds + 1)]


async def _round(
    bench: Bench, connection: AsyncConnection, publisher: Publisher, seconds: float, number: int
) -> list[float]:
    bench.say(f"{READINGS_PER_S:,} readings a second, round {number}")
    samples = Samples()
    publishing = asyncio.create_task(_publish(publisher, seconds, samples))
    try:
        while not publishing.done() or samples.waiting:
            await _look(connection, samples)
            await asyncio.sleep(LOOK_SECONDS)
        await publishing
    finally:
        publishing.cancel()
    return samples.seconds


async def _look(connection: AsyncConnection, samples: Samples) -> None:
    for key, published in list(samples.waiting.items()):
        if await is_stored(connection, *key):
            samples.seconds.append(time.perf_counter() - published)
            del samples.waiting[key]


async def _publish(publisher: Publisher, seconds: float, samples: Samples) -> None:
    numbers = count()
    async for tick in _ticks(seconds):
        for left in range(round(READINGS_PER_S * TICK_SECONDS), 0, -1):
            reading = _reading(next(numbers) % SENSORS + 1)
            if left == 1 and tick % SAMPLE_EVERY_TICKS == 0:
                samples.waiting[reading.sensor, reading.time] = time.perf_counter()
            await publisher.publish(reading)


async def _ticks(seconds: float) -> AsyncIterator[int]:
    """The numbers of the ticks, each when it is due; one that is late does not delay the next."""
    began = time.perf_counter()
    for tick in range(round(seconds / TICK_SECONDS)):
        await asyncio.sleep(max(0.0, began + tick * TICK_SECONDS - time.perf_counter()))
        yield tick


def _reading(number: int) -> Reading:
    now = datetime.now(UTC)
    return Reading(sensor=sensor_name(number), time=now, speed_kmh=20 + now.microsecond % 1000 / 10, volume_vph=600)
