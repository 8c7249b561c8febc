"""The writer stores each reading once, by the quick way where it can and by the careful one where it must."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schema.events import Reading, encode_readings
from tests.ingest.storing import Store
from tests.waiting import fetch_one

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def reading(sensor: int, minute: int, speed_kmh: float) -> Reading:
    return Reading(sensor=f"t:{sensor}", time=NOON + timedelta(minutes=minute), speed_kmh=speed_kmh)


@contextmanager
def emptied(url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DELETE FROM readings")
        connection.execute("DELETE FROM latest_readings")
        yield connection


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    batches=st.lists(
        st.lists(st.builds(reading, st.integers(1, 4), st.integers(-30, 30), st.integers(100, 220)), max_size=30),
        max_size=8,
    ),
    restarts=st.booleans(),
)
async def test_whatever_is_repeated_within_and_between_batches_is_stored_once_and_the_first_stays(
    database_url: str, batches: list[list[Reading]], restarts: bool
) -> None:
    """Above 161 km/h a reading is flagged, and no newest one."""
    expected: dict[tuple[str, datetime], float] = {}
    with emptied(database_url) as connection:
        async with AsyncExitStack() as stack:
            ingest = await stack.enter_async_context(Store(database_url))
            for batch in batches:
                if restarts:
                    ingest = await stack.enter_async_context(Store(database_url))
                assert await ingest.store(batch) == []
                for one in batch:
                    expected.setdefault((one.sensor, one.time), one.speed_kmh or 0.0)
        stored = connection.execute(
            "SELECT external_id, time, speed_kmh FROM readings JOIN sensors ON id = sensor_id"
        ).fetchall()
        newest = connection.execute(
            "SELECT external_id, time, speed_kmh FROM latest_readings JOIN sensors ON id = sensor_id"
        ).fetchall()
    assert sorted(stored) == sorted((*key, speed) for key, speed in expected.items())
    good = sorted((*key, speed) for key, speed in expected.items() if speed < 161)
    last = {sensor: (sensor, time, speed) for sensor, time, speed in good}
    assert sorted(newest) == sorted(last.values())


async def test_a_batch_that_comes_again_after_a_kill_leaves_what_is_stored(database_url: str) -> None:
    batch = [reading(sensor, minute, 50) for sensor in range(5) for minute in range(50)]
    for _ in range(2):
        async with Store(database_url) as ingest:
            assert await ingest.store(batch) == []
    assert await fetch_one(database_url, "SELECT count(*) FROM readings") == 250


async def test_two_writers_at_once_on_the_same_sensors_do_not_hinder_each_other(database_url: str) -> None:
    async def write(seed: int) -> None:
        sensors = range(40) if seed else range(39, -1, -1)
        async with Store(database_url) as ingest:
            for step in range(10):
                assert await ingest.store([reading(sensor, 2 * step + seed, 50) for sensor in sensors]) == []

    await asyncio.gather(write(0), write(1))
    assert await fetch_one(database_url, "SELECT count(*) FROM readings") == 800


async def test_a_late_reading_leaves_the_newest_one_in_place(database_url: str) -> None:
    async with Store(database_url) as ingest:
        for minute, speed in ((10, 60.0), (5, 30.0)):
            await ingest.store([reading(1, minute, speed)])
    assert await fetch_one(database_url, "SELECT speed_kmh FROM current_conditions") == pytest.approx(60)


async def test_readings_that_the_database_refuses_are_named_one_by_one_and_all_others_are_stored(
    database_url: str,
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE readings ADD CONSTRAINT odd CHECK (speed_kmh NOT IN (66, 77))")
    speeds = [float(speed) for speed in range(40, 90)]
    async with Store(database_url) as ingest:
        refused = await ingest.store([reading(1, minute, speed) for minute, speed in enumerate(speeds)])
    assert sorted(letter.value for letter in refused) == sorted(
        encode_readings([reading(1, minute, speed)]) for minute, speed in enumerate(speeds) if speed in (66, 77)
    )
    assert {letter.origin for letter in refused} == {f"traffic.readings/0/0/{speed - 40}" for speed in (66, 77)}
    assert {letter.reason for letter in refused} == {"refused"}
    assert await fetch_one(database_url, "SELECT count(*) FROM readings") == 48


async def test_a_refused_reading_is_never_a_sensors_newest(database_url: str) -> None:
    newest = "SELECT array_agg(speed_kmh ORDER BY sensor_id) FROM latest_readings"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE readings ADD CONSTRAINT odd CHECK (speed_kmh <> 66)")
    async with Store(database_url) as ingest:
        assert len(await ingest.store([reading(1, 0, 50), reading(1, 2, 66), reading(2, 2, 66)])) == 2
        assert await fetch_one(database_url, newest) == [50]
        await ingest.store([reading(1, 1, 40), reading(2, 1, 30)])
        assert await fetch_one(database_url, newest) == [40, 30]
