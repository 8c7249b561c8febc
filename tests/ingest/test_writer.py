"""The writer stores each reading once, by the quick way where it can and by the careful one where it must."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from aiokafka import ConsumerRecord
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.batch import Message
from ingest.writer import Writer
from schema.events import Reading
from tests.waiting import fetch_one

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
RECORD = ConsumerRecord("traffic.readings", 0, 0, 0, 0, None, b"", None, 0, 0, ())


def messages(readings: list[Reading]) -> list[Message]:
    return [Message(reading, RECORD) for reading in readings]


def reading(sensor: int, minute: int, speed_kmh: float) -> Reading:
    return Reading(sensor=f"t:{sensor}", time=NOON + timedelta(minutes=minute), speed_kmh=speed_kmh)


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
    writer = Writer(database_url)
    expected: dict[tuple[str, datetime], float | None] = {}
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DELETE FROM readings")
        connection.execute("DELETE FROM latest_readings")
        for batch in batches:
            assert await writer.store(messages(batch)) == []
            for one in batch:
                expected.setdefault((one.sensor, one.time), one.speed_kmh)
        await writer.close()
        stored = connection.execute(
            "SELECT external_id, time, speed_kmh FROM readings JOIN sensors ON id = sensor_id"
        ).fetchall()
        newest = connection.execute(
            "SELECT external_id, time FROM latest_readings JOIN sensors ON id = sensor_id"
        ).fetchall()
    assert sorted(stored) == sorted((*key, speed) for key, speed in expected.items())
    assert dict(newest) == {
        sensor: max(time for name, time in expected if name == sensor) for sensor in {name for name, _ in expected}
    }


async def test_a_batch_that_comes_again_after_a_kill_leaves_what_is_stored(database_url: str) -> None:
    batch = messages([reading(sensor, minute, 50) for sensor in range(5) for minute in range(50)])
    for _ in range(2):
        writer = Writer(database_url)
        assert await writer.store(batch) == []
        await writer.close()
    assert await fetch_one(database_url, "SELECT count(*) FROM readings") == 250


async def test_two_writers_at_once_on_the_same_sensors_do_not_hinder_each_other(database_url: str) -> None:
    import asyncio

    async def write(seed: int) -> None:
        writer = Writer(database_url)
        for step in range(10):
            batch = [reading(sensor, 2 * step + seed, 50) for sensor in (range(40) if seed else range(39, -1, -1))]
            assert await writer.store(messages(batch)) == []
        await writer.close()

    await asyncio.gather(write(0), write(1))
    assert await fetch_one(database_url, "SELECT count(*) FROM readings") == 800


async def test_a_late_reading_leaves_the_newest_one_in_place(database_url: str) -> None:
    writer = Writer(database_url)
    for minute, speed in ((10, 60.0), (5, 30.0)):
        await writer.store(messages([reading(1, minute, speed)]))
    await writer.close()
    assert await fetch_one(database_url, "SELECT speed_kmh FROM current_conditions") == pytest.approx(60)
