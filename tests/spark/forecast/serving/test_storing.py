"""Predictions that wait for the database, and repeats of them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from prometheus_client import REGISTRY

from spark.forecast.serving import storing
from spark.forecast.serving.made import Made
from spark.forecast.serving.store import Store
from spark.forecast.serving.storing import Storing
from spark.forecast.window import STEPS_IN, Window
from tests.api.relay import Relay
from tests.spark.forecast.models import Level
from tests.spark.forecast.serving.running import describe
from tests.waiting import fetch_one, until, until_query

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MADE = "SELECT array_agg(DISTINCT made_at ORDER BY made_at) FROM predictions"

pytestmark = pytest.mark.parametrize("server_url", ["embedded"], indirect=True)


def made(minute: int, *sensors: str, name: str = "level", kmh: float = 50) -> Made:
    end = NOON + timedelta(minutes=minute)
    window = Window(end, sensors, np.full((STEPS_IN, len(sensors)), 50, np.float32))
    return Made.of(window, Level(name, kmh).forecast(window), end)


def dropped(reason: str) -> float:
    labels = {"reason": reason}
    return REGISTRY.get_sample_value("urbanclear_forecast_dropped_minutes_total", labels) or 0.0


@pytest.fixture
async def relay(database_url: str) -> AsyncIterator[Relay]:
    relay = await Relay.to(database_url)
    yield relay
    await relay.cut()


def through(relay: Relay, url: str) -> str:
    address, database = url.rsplit("/", 1)
    return f"{address.rpartition('@')[0]}@127.0.0.1:{relay.port}/{database}"


async def test_what_waited_is_stored_when_the_database_is_back_but_for_the_oldest_where_it_is_too_much(
    database_url: str, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing, "RETRY_SECONDS", 0.05)
    describe(database_url, ["t:1"])
    before, stop = dropped("waited"), asyncio.Event()
    store = Store(through(relay, database_url))
    some = Storing(store, most_waiting=3)
    task = asyncio.create_task(some.run(stop))
    some.put(made(0, "t:1"))
    await until_query(database_url, MADE, [NOON])
    await relay.cut()
    for minute in range(1, 6):
        some.put(made(minute, "t:1"))
    assert REGISTRY.get_sample_value("urbanclear_forecast_waiting_minutes") == 3
    await relay.mend()
    kept = [NOON + timedelta(minutes=minute) for minute in (0, 3, 4, 5)]
    await until_query(database_url, MADE, kept)
    assert dropped("waited") == before + 2
    assert await fetch_one(database_url, "SELECT count(*) FROM predictions") == 12 * len(kept)
    stop.set()
    await task
    store.close()


async def test_a_stop_stores_what_waits_and_does_not_wait_for_a_database_that_is_away(
    database_url: str, relay: Relay
) -> None:
    describe(database_url, ["t:1"])
    stop, store = asyncio.Event(), Store(through(relay, database_url))
    some = Storing(store)
    some.put(made(0, "t:1"))
    stop.set()
    await some.run(stop)
    assert await fetch_one(database_url, MADE) == [NOON]
    await relay.cut()
    some.put(made(1, "t:1"))
    async with asyncio.timeout(5):
        await some.run(stop)
    store.close()


async def test_a_repeat_changes_nothing_and_a_sensor_that_is_not_known_is_left_out(database_url: str) -> None:
    describe(database_url, ["t:1"])
    store = Store(database_url)
    assert store.write(made(0, "t:1", "new:1").predictions()) == 12
    assert store.write(made(0, "t:1", kmh=70).predictions()) == 0
    store.close()
    assert await fetch_one(database_url, "SELECT avg(speed_kmh) FROM predictions") == 50


async def test_predictions_cross_midnight(database_url: str) -> None:
    describe(database_url, ["t:1"])
    store = Store(database_url)
    assert store.write(made(11 * 60 + 30, "t:1").predictions()) == 12
    store.close()


async def test_what_the_database_refuses_is_counted_and_the_next_is_stored(database_url: str) -> None:
    describe(database_url, ["t:1"])
    before, stop, store = dropped("refused"), asyncio.Event(), Store(database_url)
    some = Storing(store)
    some.put(made(0, "t:1", name="no \x00 name"))
    some.put(made(1, "t:1"))
    task = asyncio.create_task(some.run(stop))

    async def stored() -> bool:
        return await fetch_one(database_url, MADE) == [NOON + timedelta(minutes=1)]

    await until(stored)
    assert dropped("refused") == before + 1
    stop.set()
    await task
    store.close()
