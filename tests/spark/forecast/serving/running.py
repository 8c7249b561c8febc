"""Runs the serving process for the length of a test, and the city that it serves."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import psycopg

from schema.chunks import make_chunks
from schema.engines import engine_of
from schema.events import Prediction, Reading
from schema.publisher import Publisher, open_publisher
from spark.forecast.registry import Registry
from spark.forecast.serving.process import Serving
from spark.spans import Span
from tests.kafka_content import read_all
from tests.spark.forecast.models import Level
from tests.waiting import until
from urbanclear.settings import Settings


def this_minute() -> datetime:
    return datetime.now(UTC).replace(second=0, microsecond=0)


def history(sensors: Iterable[str], minutes: int = 40, *, speed: float = 50) -> list[Reading]:
    """A reading a minute of each sensor, up to the last full minute."""
    last = this_minute()
    return [
        Reading(sensor=sensor, time=last - timedelta(minutes=minute, seconds=-5), speed_kmh=speed)
        for sensor in sensors
        for minute in range(1, minutes + 1)
    ]


def describe(url: str, sensors: Iterable[str]) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for sensor in sensors:
            connection.execute("INSERT INTO sensors (external_id, name) VALUES (%s, '')", [sensor])


def store(url: str, readings: Sequence[Reading]) -> None:
    """As ingest does, of sensors that are described."""
    row = "INSERT INTO readings (sensor_id, time, speed_kmh) SELECT id, %s, %s FROM sensors WHERE external_id = %s"
    with psycopg.connect(url, autocommit=True) as connection:
        make_chunks(connection, engine_of(url), "readings", {one.time for one in readings})
        connection.cursor().executemany(row, [(one.time, one.speed_kmh, one.sensor) for one in readings])


def promote(settings: Settings, kmh: float) -> str:
    """Put a model in place that foretells `kmh` of every sensor; returns its name."""
    span = Span(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))
    with Registry.of(settings) as registry:
        entry = registry.add(lambda name: Level(name, kmh), "level", span, 0, {})
        return registry.promote(entry.name, force=True).name


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[asyncio.Task[None]]:
    """The process in a task; stopped in time, and its errors raised, on leaving."""
    stop = asyncio.Event()
    task = asyncio.create_task(Serving(settings).run(stop))
    try:
        yield task
    finally:
        stop.set()
        async with asyncio.timeout(8):
            await task


@asynccontextmanager
async def feed(settings: Settings) -> AsyncIterator[Publisher]:
    async with open_publisher(str(settings.kafka_bootstrap), linger_ms=0) as publisher:
        yield publisher


async def until_predicted(settings: Settings, *wanted: tuple[str, float, str]) -> list[Prediction]:
    """All that was told, once the newest of each sensor is of this speed and model."""
    found: list[Prediction] = []

    async def told() -> bool:
        found[:] = await read_all(str(settings.kafka_bootstrap), Prediction)
        newest = {one.sensor: one for one in sorted(found, key=lambda one: one.made_at)}
        return {(one.sensor, one.speed_kmh, one.model) for one in newest.values()} >= set(wanted)

    await until(told, what=f"predictions of {wanted}")
    return found
