"""Figures of the whole stack: how soon it is up, how soon a reading is on the page, how many a second it takes."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from websockets.asyncio.client import connect

from bench.figures import Figure, figure
from bench.running_stack import RunningStack, empty_folder, running_stack
from schema import topics
from schema.events import Reading, encode

Say = Callable[[str], None]

LINKS = 1_000
SOURCE = ("--source", "simulator", "--history", "10m")
COUNT = b"SELECT count(*) FROM readings JOIN sensors ON id = sensor_id WHERE external_id LIKE 'bench:%'"


async def measure(quick: bool, say: Say) -> list[Figure]:
    """All four figures; `quick` does one run of each start and fewer readings, within a minute on two cores."""
    runs, samples, readings = (1, 10, 20_000) if quick else (3, 50, 200_000)
    cold, warm = [], []
    for number in range(runs):
        say(f"start {number + 1} of {runs}, without and then with state")
        async with empty_folder() as folder:
            cold.append(await _start_seconds(folder))
            warm.append(await _start_seconds(folder))
    async with empty_folder() as folder, running_stack(folder, "--source", "none") as stack:
        say("a reading's way to the page")
        to_page, bare_latency = await _latency(stack, samples)
        say("readings a second")
        rates, bare_rates = await _rates(stack, 1 if quick else 3, readings)
    return [
        figure("cold_start_s", "s", cold),
        figure("warm_start_s", "s", warm),
        figure("reading_to_page_s", "s", to_page, bare_latency),
        figure("readings_per_s", "1/s", rates, bare_rates),
    ]


async def _start_seconds(folder: Path) -> float:
    """From the command to the first reading that the API serves."""
    async with running_stack(folder, *SOURCE) as stack:
        await stack.has_readings()
        return time.monotonic() - stack.started_at


async def _latency(stack: RunningStack, samples: int) -> tuple[list[float], list[float]]:
    """Published to Kafka → in the page's WebSocket; and bare: published → polled by a consumer, in turn."""
    ours, bare = [], []
    async with _producer(stack) as producer, _tail(stack) as tail:
        address = stack.url.replace("http", "ws", 1) + "/ws/traffic"
        async with connect(address, proxy=None) as socket:
            await socket.send('{"type":"subscribe","topic":"traffic"}')
            await socket.recv()
            for number in range(samples):
                began = time.perf_counter()
                await _send(producer, number)
                await tail.getone()
                bare.append(time.perf_counter() - began)
                while json.loads(await socket.recv())["items"][-1]["speed_kmh"] != number:
                    continue
                ours.append(time.perf_counter() - began)
                await asyncio.sleep(0.3)  # the page is told at most four times a second: begin from rest
    return ours, bare


async def _rates(stack: RunningStack, runs: int, count: int) -> tuple[list[float], list[float]]:
    """Readings a second from published to stored; and bare: a consumer that polls them and does nothing."""
    ours, bare = [], []
    async with (
        _producer(stack) as producer,
        await psycopg.AsyncConnection.connect(str(stack.settings.database_url), autocommit=True) as connection,
    ):
        for run in range(runs):
            before = await _stored(connection)
            async with _tail(stack) as tail:
                began = time.perf_counter()
                await _publish(producer, run, count)
                while await _stored(connection) < before + count:
                    await asyncio.sleep(0.05)
                ours.append(count / (time.perf_counter() - began))
                bare.append(await _bare_rate(tail, count))
    return ours, bare


async def _bare_rate(tail: AIOKafkaConsumer, count: int) -> float:
    await tail.seek_to_beginning()
    began, seen = time.perf_counter(), 0
    while seen < count:
        polled = await tail.getmany(timeout_ms=500, max_records=5_000)
        seen += sum(map(len, polled.values()))
    return count / (time.perf_counter() - began)


async def _stored(connection: psycopg.AsyncConnection) -> int:
    row = await (await connection.execute(COUNT)).fetchone()
    return int(row[0]) if row else 0


async def _publish(producer: AIOKafkaProducer, run: int, count: int) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=run)
    for number in range(count):
        sensor, step = f"bench:{number % LINKS}", number // LINKS
        reading = Reading(sensor=sensor, time=start + timedelta(seconds=30 * step), speed_kmh=float(number % 90))
        await producer.send(topics.READINGS.name, encode(reading), key=sensor.encode())
    await producer.flush()


async def _send(producer: AIOKafkaProducer, number: int) -> None:
    reading = Reading(sensor="page:1", time=datetime.now(UTC), speed_kmh=float(number))
    await producer.send_and_wait(topics.READINGS.name, encode(reading), key=b"page:1")


@asynccontextmanager
async def _producer(stack: RunningStack) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(
        bootstrap_servers=stack.settings.kafka_bootstrap, compression_type="lz4", linger_ms=5, max_batch_size=131_072
    )
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


@asynccontextmanager
async def _tail(stack: RunningStack) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        topics.READINGS.name,
        bootstrap_servers=stack.settings.kafka_bootstrap,
        auto_offset_reset="latest",
        fetch_max_wait_ms=50,
    )
    await consumer.start()
    await consumer.seek_to_end()
    for place in consumer.assignment():
        await consumer.position(place)
    try:
        yield consumer
    finally:
        await consumer.stop()
