"""How new what is stored is, as Prometheus is told by the API."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from api import freshness, metrics
from api.database import Database
from schema.events import Reading, Sensor
from tests.api.conftest import running_api, settings_with_key
from tests.ingest.storing import Store
from tests.waiting import until

METRIC = "urbanclear_api_newest_reading_timestamp_seconds"


async def test_the_newest_readings_time_is_told_and_stays_while_no_reading_comes(
    kafka_bootstrap: str, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freshness, "LOOK_SECONDS", 0.05)
    newest = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=3)

    async def told(time: float) -> bool:
        return REGISTRY.get_sample_value(METRIC) == time

    async with running_api(settings_with_key(database_url, kafka_bootstrap), bridged=False):
        await until(lambda: told(0), what="no reading")
        async with Store(database_url) as ingest:
            sensor = Sensor(external_id="t:1", name="one", lat=40.7, lon=-74.0)
            times = [newest - timedelta(minutes=5), newest]
            readings = [Reading(sensor="t:1", time=time, speed_kmh=30.0) for time in times]
            assert await ingest.store([sensor, *readings]) == []
        await until(lambda: told(newest.timestamp()), what="the newest reading")


async def test_while_the_database_is_away_the_last_time_known_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freshness, "LOOK_SECONDS", 0.05)
    metrics.NEWEST_READING.set(1_000)
    nowhere = Database("postgresql://nobody@127.0.0.1:1/nothing")
    with capture_logs() as logs:

        async def looked_twice() -> bool:
            return [entry["event"] for entry in logs].count("api.newest_reading_unknown") >= 2

        following = asyncio.create_task(freshness.follow(nowhere))
        await until(looked_twice, what="two looks in vain")
        following.cancel()
    assert REGISTRY.get_sample_value(METRIC) == 1_000
    await nowhere.close()
