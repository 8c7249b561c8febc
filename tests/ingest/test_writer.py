"""The writer stores each reading once, by the quick way where it can and by the careful one where it must."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from aiokafka import ConsumerRecord, TopicPartition
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.batch import DeadLetter, Reader
from ingest.connection import Connection
from ingest.flags import Rules, flag, in_key_order
from ingest.readings import microseconds
from ingest.registry import Registry
from ingest.writer import Rows, Transaction, Writer
from schema import topics
from schema.events import Reading, encode_readings
from tests.waiting import fetch_one
from urbanclear.settings import Settings

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
PLACE = TopicPartition(topics.READINGS.name, 0)
NO_RULES = Rules(stuck_after=None, late_after=None)


def reading(sensor: int, minute: int, speed_kmh: float) -> Reading:
    return Reading(sensor=f"t:{sensor}", time=NOON + timedelta(minutes=minute), speed_kmh=speed_kmh)


def record(value: bytes, offset: int = 0) -> ConsumerRecord:
    return ConsumerRecord(PLACE.topic, PLACE.partition, offset, 0, 0, None, value, None, 0, len(value), ())


class Ingest:
    """What the pipeline does with a batch, without Kafka."""

    def __init__(self, url: str) -> None:
        self.registry = Registry()
        self.writer = Writer(url)
        self._reader = Reader(Settings(), self.registry)
        self._lookups = Connection(url)

    async def store(self, batch: list[Reading]) -> list[DeadLetter]:
        read = self._reader.read({PLACE: [record(encode_readings(batch) if batch else b"[]")]}, datetime.now(UTC))
        unloaded = self.registry.unloaded(read.readings.sensors)
        await self.registry.load(await self._lookups.get(), unloaded)
        readings = in_key_order(read.readings, self.registry)
        flags = flag(readings, self.registry, NO_RULES, microseconds(NOON))
        rows = Rows(readings, self.registry.state["id"][readings.sensors], flags)
        refused = await self.writer.store(Transaction.of(read, rows, []))
        await self.writer.note_latest(self.registry)
        return refused

    async def close(self) -> None:
        await self._lookups.close()
        await self.writer.close()


@contextmanager
def emptied(url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DELETE FROM readings")
        connection.execute("DELETE FROM latest_readings")
        yield connection


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    batches=st.lists(
        st.lists(st.builds(reading, st.integers(1, 4), st.integers(-300, 300), st.integers(0, 90)), max_size=30),
        max_size=8,
    )
)
async def test_whatever_is_repeated_within_and_between_batches_is_stored_once_and_the_first_stays(
    database_url: str, batches: list[list[Reading]]
) -> None:
    ingest = Ingest(database_url)
    expected: dict[tuple[str, datetime], float | None] = {}
    with emptied(database_url) as connection:
        for batch in batches:
            assert await ingest.store(batch) == []
            for one in batch:
                expected.setdefault((one.sensor, one.time), one.speed_kmh)
        await ingest.close()
        stored = connection.execute(
            "SELECT external_id, time, speed_kmh FROM readings JOIN sensors ON id = sensor_id"
        ).fetchall()
        newest = connection.execute(
            "SELECT external_id, time, speed_kmh FROM latest_readings JOIN sensors ON id = sensor_id"
        ).fetchall()
    assert sorted(stored) == sorted((*key, speed) for key, speed in expected.items())
    last = {
        sensor: max(time for name, time in expected if name == sensor) for sensor in {name for name, _ in expected}
    }
    assert sorted(newest) == sorted((sensor, time, expected[sensor, time]) for sensor, time in last.items())


async def test_a_batch_that_comes_again_after_a_kill_leaves_what_is_stored(database_url: str) -> None:
    batch = [reading(sensor, minute, 50) for sensor in range(5) for minute in range(50)]
    for _ in range(2):
        ingest = Ingest(database_url)
        assert await ingest.store(batch) == []
        await ingest.close()
    assert await fetch_one(database_url, "SELECT count(*) FROM readings") == 250


async def test_two_writers_at_once_on_the_same_sensors_do_not_hinder_each_other(database_url: str) -> None:
    async def write(seed: int) -> None:
        ingest = Ingest(database_url)
        for step in range(10):
            batch = [reading(sensor, 2 * step + seed, 50) for sensor in (range(40) if seed else range(39, -1, -1))]
            assert await ingest.store(batch) == []
        await ingest.close()

    await asyncio.gather(write(0), write(1))
    assert await fetch_one(database_url, "SELECT count(*) FROM readings") == 800


async def test_a_late_reading_leaves_the_newest_one_in_place(database_url: str) -> None:
    ingest = Ingest(database_url)
    for minute, speed in ((10, 60.0), (5, 30.0)):
        await ingest.store([reading(1, minute, speed)])
    await ingest.close()
    assert await fetch_one(database_url, "SELECT speed_kmh FROM current_conditions") == pytest.approx(60)


async def test_readings_that_the_database_refuses_are_named_one_by_one_and_all_others_are_stored(
    database_url: str,
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE readings ADD CONSTRAINT odd CHECK (speed_kmh NOT IN (66, 77))")
    ingest = Ingest(database_url)
    speeds = [float(speed) for speed in range(40, 90)]
    refused = await ingest.store([reading(1, minute, speed) for minute, speed in enumerate(speeds)])
    assert sorted(letter.value for letter in refused) == sorted(
        encode_readings([reading(1, minute, speed)]) for minute, speed in enumerate(speeds) if speed in (66, 77)
    )
    assert {letter.origin for letter in refused} == {f"{PLACE.topic}/0/0/{speed - 40}" for speed in (66, 77)}
    assert {letter.reason for letter in refused} == {"refused"}
    assert await fetch_one(database_url, "SELECT count(*) FROM readings") == 48
    await ingest.close()


async def test_the_newest_reading_is_one_that_is_stored_though_a_newer_one_was_refused(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE readings ADD CONSTRAINT odd CHECK (speed_kmh <> 66)")
    ingest = Ingest(database_url)
    read = [reading(1, 0, 50), reading(1, 1, 66)]
    assert len(await ingest.store(read)) == 1
    await ingest.close()
    assert await fetch_one(database_url, "SELECT count(*) FROM readings") == 1
