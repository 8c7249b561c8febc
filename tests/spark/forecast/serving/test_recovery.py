"""What the database has of the last minutes is what was seen of them."""

from datetime import UTC, datetime, timedelta

import numpy as np
import psycopg
import pytest

from schema.events import Reading
from spark.forecast.serving.observed import EPOCH, Observed
from spark.forecast.serving.recovery import OVERLAP, recover
from spark.forecast.serving.state import KEPT, Described, State
from tests.ingest.running import running_consumer
from tests.spark.forecast.serving.running import feed
from tests.waiting import until_query
from urbanclear.settings import Settings

NOW = datetime.now(UTC).replace(second=0, microsecond=0)


def readings() -> list[Reading]:
    """An hour of three sensors, with gaps, and some that are implausible."""
    random = np.random.default_rng(3)
    return [
        Reading(
            sensor=f"t:{sensor}",
            time=NOW - timedelta(minutes=minute, seconds=float(random.integers(0, 59)) + 0.123456),
            speed_kmh=float(random.uniform(0, 200)),
            volume_vph=float(random.uniform(0, 9_000)) if minute % 3 else None,
        )
        for sensor in range(3)
        for minute in range(60)
        if random.random() < 0.7
    ]


@pytest.mark.parametrize("server_url", ["embedded"], indirect=True)
async def test_the_window_is_the_same_as_before_the_restart(database_url: str, kafka_bootstrap: str) -> None:
    settings = Settings.model_validate({"database_url": database_url, "kafka_bootstrap": kafka_bootstrap})
    told = readings()
    async with feed(settings) as publisher, running_consumer(settings):
        await publisher.deliver(told, within_s=10)
        await until_query(database_url, "SELECT count(*) FROM readings", len(told))
    seen, recovered = State(), State()
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE sensors SET kind = 'detector', lanes = 2 WHERE external_id = 't:1'")
        since = recover(connection, recovered, NOW)
    seen.describe([Described("t:1", "detector", 2)])
    added = seen.add(Observed.of(told))
    assert 0 < added.readings < len(told)
    assert recovered.add(Observed.of(told)).readings == 0
    for end in (NOW, NOW - timedelta(minutes=3)):
        before, after = seen.window(end), recovered.window(end)
        assert (before.end, before.sensors) == (after.end, after.sensors)
        np.testing.assert_array_equal(before.speeds_kmh, after.speeds_kmh)
    assert since == max(one.time for one in told) - OVERLAP


@pytest.mark.parametrize("server_url", ["embedded"], indirect=True)
def test_where_nothing_is_stored_kafka_is_read_for_all_that_is_kept(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        assert recover(connection, State(), NOW) == NOW - KEPT


def test_times_are_taken_to_the_microsecond() -> None:
    moment = EPOCH + timedelta(days=20_000, microseconds=7)
    reading = Reading(sensor="t:1", time=moment, speed_kmh=1)
    assert Observed.of([reading]).times[0] == 20_000 * 86_400_000_000 + 7
