"""Readings to predictions, through a real Kafka and a real database."""

import asyncio
import signal
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from prometheus_client import REGISTRY

from schema.events import Prediction, Reading
from spark.forecast.serving import process, telling
from tests.api.relay import Relay
from tests.kafka_content import read_all
from tests.kafka_trouble import frozen
from tests.spark.forecast.serving.running import (
    describe,
    feed,
    history,
    promote,
    running,
    store,
    this_minute,
    until_predicted,
)
from tests.spark.forecast.test_fallback import add_profiles
from tests.waiting import fetch_one, until, until_query
from urbanclear.errors import StartError
from urbanclear.settings import Settings

SENSORS = ("t:1", "t:2")
HORIZONS_S = {300 * step for step in range(1, 13)}
TOLD_BETWEEN_S = {300, 900, 1800, 3600}
RSS_MB = 300

pytestmark = pytest.mark.parametrize("server_url", ["embedded"], indirect=True)


@pytest.fixture
def settings(database_url: str, kafka_bootstrap: str, tmp_path: Path) -> Settings:
    given = {"database_url": database_url, "kafka_bootstrap": kafka_bootstrap, "time_zone": "UTC", "holidays": "DE"}
    return Settings.model_validate({**given, "models_dir": tmp_path / "models"})


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for other models ten times a second."""
    monkeypatch.setattr(process, "LOOK_SECONDS", 0.1)


def url_of(settings: Settings) -> str:
    return str(settings.database_url)


def now_reading(sensor: str, speed: float) -> Reading:
    return Reading(sensor=sensor, time=datetime.now(UTC), speed_kmh=speed)


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_readings_become_predictions_on_the_topic_and_rows_of_the_last_full_minute(settings: Settings) -> None:
    describe(url_of(settings), SENSORS)
    async with feed(settings) as publisher:
        await publisher.deliver(history(SENSORS), within_s=10)
        async with running(settings):
            told = await until_predicted(settings, ("t:1", 50, "last-value"), ("t:2", 50, "last-value"))
            await until_query(url_of(settings), "SELECT count(*) FROM predictions", 24)
    first = min(one.made_at for one in told)
    assert this_minute() - timedelta(minutes=1) <= first <= this_minute()
    of_minute = [one for one in told if one.made_at == first]
    assert Counter(one.sensor for one in of_minute) == {"t:1": 12, "t:2": 12}
    assert {one.horizon_s for one in of_minute} == HORIZONS_S
    assert all(one.target_time - first == timedelta(seconds=one.horizon_s) for one in of_minute)
    assert await fetch_one(url_of(settings), "SELECT DISTINCT made_at FROM predictions") == first
    horizons = "SELECT count(DISTINCT time - made_at) FROM predictions WHERE speed_kmh = 50 AND model = 'last-value'"
    assert await fetch_one(url_of(settings), horizons) == 12


async def test_a_new_reading_is_told_anew_of_its_sensor_alone_within_three_seconds(settings: Settings) -> None:
    describe(url_of(settings), SENSORS)
    async with feed(settings) as publisher:
        await publisher.deliver(history(SENSORS), within_s=10)
        async with running(settings):
            await until_predicted(settings, ("t:2", 50, "last-value"))
            before = {(one.sensor, one.made_at) for one in await read_all(str(settings.kafka_bootstrap), Prediction)}
            published = datetime.now(UTC)
            await publisher.deliver([now_reading("t:1", 0)], within_s=10)

            async def told() -> list[Prediction]:
                found = await read_all(str(settings.kafka_bootstrap), Prediction)
                return [one for one in found if (one.sensor, one.made_at) not in before and one.made_at > published]

            await until(told)
            between = [one for one in await told() if one.made_at.second or one.made_at.microsecond]
    assert {one.sensor for one in between} == {"t:1"}
    assert {one.horizon_s for one in between} == TOLD_BETWEEN_S
    assert all(one.speed_kmh < 50 for one in between)
    assert max(one.made_at for one in between) - published < timedelta(seconds=3)
    seconds = {(one.target_time - one.made_at).total_seconds() - one.horizon_s for one in between}
    assert all(0 <= more <= 60 for more in seconds)  # the hour looked at ends with the minute that runs


async def test_what_was_stored_is_known_again_after_a_start_and_kafka_does_not_double_it(settings: Settings) -> None:
    describe(url_of(settings), SENSORS)
    readings = history(["t:1"], 20, speed=20)
    newest = Reading(sensor="t:1", time=readings[0].time + timedelta(seconds=10), speed_kmh=80)
    store(url_of(settings), readings + history(["t:2"], 50, speed=30))
    async with feed(settings) as publisher:
        await publisher.deliver([*readings[:10], newest], within_s=10)  # of which ingest has stored all but one
        async with running(settings):
            # the last five minutes are five of 20 km/h and one of 80
            await until_predicted(settings, ("t:1", 30, "last-value"), ("t:2", 30, "last-value"))


async def test_a_profile_is_named_where_there_is_one(settings: Settings) -> None:
    kinds = ("weekday", "saturday", "sunday")
    normal = {("t:1", kind, 15 * quarter): (44.0, 40.0, 48.0) for kind in kinds for quarter in range(96)}
    add_profiles(url_of(settings), normal)
    describe(url_of(settings), ["t:2"])
    store(url_of(settings), history(["t:1"], speed=44) + history(["t:2"]))
    async with running(settings):
        told = await until_predicted(settings, ("t:1", 44, "profile"), ("t:2", 50, "last-value"))
    bounds = {(one.lower_kmh, one.upper_kmh) for one in told if one.sensor == "t:1"}
    assert bounds == {(38.87, 49.13)}


@pytest.mark.usefixtures("often")
async def test_a_model_put_in_place_is_taken_up_without_a_restart(settings: Settings) -> None:
    describe(url_of(settings), SENSORS)
    store(url_of(settings), history(SENSORS))
    async with feed(settings) as publisher, running(settings):

        async def told(speed: float, model: str) -> None:
            async def tells() -> bool:
                await publisher.deliver([now_reading("t:1", 50)], within_s=10)
                found = await read_all(str(settings.kafka_bootstrap), Prediction)
                newest = max((one.made_at, one.speed_kmh, one.model) for one in found if one.sensor == "t:1")
                return newest[1:] == (speed, model)

            await until(tells, what=model)

        await until_predicted(settings, ("t:1", 50, "last-value"))
        first = promote(settings, 61)
        await told(61, first)
        second = promote(settings, 63)
        await told(63, second)


async def test_each_full_minute_is_stored(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "MINUTE", timedelta(seconds=2))
    describe(url_of(settings), SENSORS)
    store(url_of(settings), history(SENSORS))
    async with running(settings):
        await until_query(url_of(settings), "SELECT count(DISTINCT made_at) >= 3 FROM predictions", True)
    of_each = "SELECT count(*) = 24 * count(DISTINCT made_at) FROM predictions"
    assert await fetch_one(url_of(settings), of_each) is True
    pauses = "SELECT array_agg(DISTINCT extract(epoch FROM made_at)::int % 2) FROM predictions"
    assert await fetch_one(url_of(settings), pauses) == [0]


async def test_with_the_database_away_predictions_are_told_and_stored_once_it_is_back(settings: Settings) -> None:
    describe(url_of(settings), SENSORS)
    store(url_of(settings), history(SENSORS))
    relay = await Relay.to(url_of(settings))
    address = url_of(settings).rsplit("/", 1)
    login = address[0].rpartition("@")[0]
    url = f"{login}@127.0.0.1:{relay.port}/{address[1]}"
    away = Settings.model_validate({"database_url": url, "kafka_bootstrap": settings.kafka_bootstrap})
    await relay.cut()
    async with feed(settings) as publisher:
        await publisher.deliver(history(["t:1"]), within_s=10)
        async with running(away):
            await until_predicted(settings, ("t:1", 50, "last-value"))
            assert await fetch_one(url_of(settings), "SELECT count(*) FROM predictions") == 0
            await relay.mend()
            await until_query(url_of(settings), "SELECT count(*) >= 12 FROM predictions", True)
    await relay.cut()


async def test_after_kafka_was_away_it_goes_on(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "WITHIN_SECONDS", 0.5)
    describe(url_of(settings), SENSORS)
    store(url_of(settings), history(SENSORS))
    undelivered = counted("urbanclear_forecast_undelivered_total")
    async with feed(settings) as publisher, running(settings):
        told = await until_predicted(settings, ("t:2", 50, "last-value"))
        other = telling.Telling(str(settings.kafka_bootstrap))
        assert await other.tell(told[:3])
        with frozen(str(settings.kafka_bootstrap)):
            assert not await other.tell(told[:3])
        assert counted("urbanclear_forecast_undelivered_total") >= undelivered + 3
        await other.close()
        await publisher.deliver([Reading(sensor="t:3", time=datetime.now(UTC), speed_kmh=77)], within_s=20)
        await until_predicted(settings, ("t:3", 77, "last-value"))


async def test_without_the_schema_it_says_what_to_do(empty_database_url: str, kafka_bootstrap: str) -> None:
    given = {"database_url": empty_database_url, "kafka_bootstrap": kafka_bootstrap}
    with pytest.raises(StartError, match="run `urbanclear schema upgrade`"):
        await process.Serving(Settings.model_validate(given)).run(asyncio.Event())


async def test_the_command_beats_stays_small_and_stops_when_told_to(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    describe(url_of(settings), SENSORS)
    store(url_of(settings), history(SENSORS))
    monkeypatch.setenv("URBANCLEAR_DATABASE_URL", url_of(settings))
    monkeypatch.setenv("URBANCLEAR_KAFKA_BOOTSTRAP", str(settings.kafka_bootstrap))
    command = await asyncio.create_subprocess_exec(sys.executable, "-m", "urbanclear", "forecast", "serve")
    try:
        await until_query(url_of(settings), "SELECT count(*) FROM heartbeats WHERE part = 'forecast'", 1)
        await until_predicted(settings, ("t:2", 50, "last-value"))
        assert psutil.Process(command.pid).memory_info().rss < RSS_MB * 1_000_000
        command.send_signal(signal.SIGTERM)
        async with asyncio.timeout(5):
            assert await command.wait() == 0
    finally:
        if command.returncode is None:
            command.kill()
            await command.wait()
