"""A stream on a real Spark, from a real Kafka into a real database."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.structs import TopicPartition
from pyspark.errors import StreamingQueryException
from pyspark.sql import SparkSession

from schema import topics
from spark.stream.query import Stream
from spark.stream.store import Store
from tests.spark.stream.town import JAM_KMH, NAMES, NORMAL_STEPS, Clock, learn, publish
from tests.waiting import until, until_query
from urbanclear.errors import ConfigurationError
from urbanclear.settings import Settings

FOUND = "SELECT string_agg(external_id, ',' ORDER BY external_id) FROM anomalies JOIN sensors ON id = sensor_id"
DROPS = f"{FOUND} WHERE anomalies.kind = 'speed_drop'"
ENDED = "SELECT count(*) FROM anomalies WHERE kind = 'speed_drop' AND ended_at IS NOT NULL"
JAM_STEPS, CALM_STEPS = 6, 14
LONGEST_S = 90.0


async def eventually(url: str, query: str, expected: object) -> None:
    """The first batch of a session takes long on a busy machine."""
    await until_query(url, query, expected, timeout=LONGEST_S)


@pytest.fixture
def server_url(embedded_postgres: str) -> str:
    """One engine alone: the tests of the store have both."""
    return embedded_postgres


async def ended(stream: Stream) -> None:
    """Run it until it ends by itself."""
    stop = threading.Event()
    running = asyncio.create_task(asyncio.to_thread(stream.run, stop))
    await asyncio.wait({running}, timeout=LONGEST_S)
    stop.set()
    await running


@asynccontextmanager
async def streaming(session: SparkSession, settings: Settings) -> AsyncIterator[Stream]:
    """A stream of all that Kafka has, stopped on leaving."""
    stop, stream = threading.Event(), Stream(session, settings, from_start=True)
    running = asyncio.create_task(asyncio.to_thread(stream.run, stop))
    try:
        yield stream
    finally:
        stop.set()
        await running


async def test_a_jam_is_there_while_it_lasts_and_is_over_when_it_is_over(
    session: SparkSession, settings: Settings, town: str, kafka_bootstrap: str
) -> None:
    clock = Clock()
    async with streaming(session, settings):
        await publish(kafka_bootstrap, clock.readings(NORMAL_STEPS))
        await publish(kafka_bootstrap, clock.readings(JAM_STEPS, {"t:3": JAM_KMH}))
        await eventually(town, DROPS, "t:3")
        await eventually(town, ENDED, 0)
        await publish(kafka_bootstrap, clock.readings(CALM_STEPS))
        await eventually(town, ENDED, 1)
    with psycopg.connect(town) as connection:
        row = connection.execute("SELECT observed, run_id, ended_at > time FROM anomalies WHERE kind = 'speed_drop'")
        assert row.fetchone() == (pytest.approx(JAM_KMH), None, True)


async def test_what_is_no_reading_is_passed_over(
    session: SparkSession, settings: Settings, town: str, kafka_bootstrap: str
) -> None:
    bad = [
        b"",
        b"no json",
        b"\xff\xfe",
        b"[" * 50_000,
        b'{"sensor": 7}',
        b'[{"sensor": "t:2", "time": "yesterday", "speed_kmh": 5}, null, 3, []]',
        b'{"sensor": "t:2", "time": "2026-03-02T12:00:00", "speed_kmh": 5}',
        b'{"sensor": "t:2", "time": "2999-03-02T12:00:00Z", "speed_kmh": 5}',
        b'{"sensor": "t:2", "time": "2026-03-02T12:00:00Z", "speed_kmh": NaN}',
    ]
    clock = Clock()
    await publish(kafka_bootstrap, clock.readings(NORMAL_STEPS))
    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap) as producer:
        for value in bad:
            await producer.send_and_wait(topics.READINGS.name, value)
        await producer.send_and_wait(topics.READINGS.name, None, key=b"t:2")
    await publish(kafka_bootstrap, clock.readings(JAM_STEPS, {"t:2": JAM_KMH, "t:5": 999.0}))
    async with streaming(session, settings):
        await eventually(town, DROPS, "t:2")


async def test_a_stream_killed_before_spark_notes_a_batch_goes_on_after_it_with_what_it_knew(
    session: SparkSession, settings: Settings, town: str, kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, write = Clock(), Store.write

    def killed(*given: object) -> bool:
        write(*given)  # type: ignore[arg-type]
        raise KeyError("killed")

    await publish(kafka_bootstrap, clock.readings(NORMAL_STEPS))
    await publish(kafka_bootstrap, clock.readings(JAM_STEPS, {"t:6": JAM_KMH}))
    with monkeypatch.context() as patch:
        patch.setattr(Store, "write", killed)
        with pytest.raises(StreamingQueryException, match="killed"):
            await ended(Stream(session, settings, from_start=True))
    await eventually(town, DROPS, "t:6")
    await publish(kafka_bootstrap, clock.readings(CALM_STEPS))  # an end alone, which only a memory can tell
    async with streaming(session, settings) as second:
        await eventually(town, ENDED, 1)
    assert second.tally.readings == CALM_STEPS * len(NAMES)
    assert second.tally.begun == 0
    with psycopg.connect(town) as connection:
        assert connection.execute("SELECT count(*) FROM anomalies").fetchone() == (1,)
        assert connection.execute("SELECT count(*), max(batch_id) FROM anomaly_streams").fetchone() == (1, 1)


async def test_a_newer_normal_band_is_taken_in_while_it_runs(
    session: SparkSession, settings: Settings, town: str, kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spark.stream.city.LOOK_S", 0.0)
    clock = Clock()
    jam = {"t:1": JAM_KMH}
    learn(town, "patterns-2", JAM_KMH)
    async with streaming(session, settings) as stream:
        await publish(kafka_bootstrap, clock.readings(JAM_STEPS, jam))

        async def seen() -> bool:
            return stream.tally.readings == JAM_STEPS * len(NAMES)

        await until(seen, timeout=LONGEST_S)
        learn(town, "patterns-3")
        await publish(kafka_bootstrap, clock.readings(JAM_STEPS, jam))
        await eventually(town, DROPS, "t:1")


async def test_a_checkpoint_of_another_database_is_a_sentence(
    session: SparkSession, settings: Settings, town: str, kafka_bootstrap: str
) -> None:
    clock = Clock()
    async with streaming(session, settings):
        for batch in range(2):  # the last one may be repeated
            await publish(kafka_bootstrap, clock.readings(1))
            await eventually(town, f"SELECT max(batch_id) >= {batch} FROM anomaly_streams", True)
    with psycopg.connect(town) as connection:
        connection.execute("DELETE FROM anomaly_streams")
    await publish(kafka_bootstrap, clock.readings(1))
    with pytest.raises(ConfigurationError, match="remove that folder"):
        await ended(Stream(session, settings))


async def test_readings_that_kafka_has_no_longer_are_a_sentence(
    session: SparkSession, settings: Settings, town: str, kafka_bootstrap: str
) -> None:
    clock = Clock()
    async with streaming(session, settings):
        await publish(kafka_bootstrap, clock.readings(1))
        await eventually(town, "SELECT max(batch_id) >= 0 FROM anomaly_streams", True)
    await publish(kafka_bootstrap, clock.readings(2))
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await admin.start()
    places = [TopicPartition(topics.READINGS.name, number) for number in range(settings.kafka_partitions)]
    await admin.delete_records({place: RecordsToDelete(before_offset=-1) for place in places})
    await admin.close()
    await publish(kafka_bootstrap, clock.readings(1))
    with pytest.raises(ConfigurationError, match="no longer the readings"):
        await ended(Stream(session, settings))
