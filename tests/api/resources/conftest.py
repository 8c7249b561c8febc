"""A small city with known numbers, and an API that answers from it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.api.conftest import running_api, settings_with_key
from tests.schema.city import City, Reading, city_at
from urbanclear.public_holidays import holidays_between
from urbanclear.settings import Settings

#: Noon UTC of a Monday five days ago at least, so that all of it is past and none of it too old, with no public
#: holiday in the week to it.
NOON = (datetime.now(UTC) - timedelta(days=11 + datetime.now(UTC).weekday())).replace(
    hour=12, minute=0, second=0, microsecond=0
)
NOON += timedelta(days=(0 - NOON.weekday()) % 7)
while holidays_between(Settings().holidays, NOON.date() - timedelta(days=6), NOON.date()):
    NOON -= timedelta(days=7)
NO_KAFKA = "127.0.0.1:1"


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


@asynccontextmanager
async def filled(database_url: str) -> AsyncIterator[City]:
    """Three detectors on Main Street N in Manhattan, one on Side Street E in Queens; the first is slow at noon."""
    async with city_at(database_url) as city:
        main = await city.corridor("Main Street", [0, 1, 2], area="Manhattan", free_flow_speed_kmh=60)
        side = await city.sensor(
            "side",
            area="Queens",
            road="Side Street",
            direction="E",
            length_m=800,
            lat=40.7,
            lon=-73.8,
            free_flow_speed_kmh=50,
        )
        await city.read(
            Reading(sensor, NOON + minutes(step), speed, 600)
            for sensor, speed in ((main[0], 15.0), (main[1], 50.0), (main[2], 55.0), (side, 40.0))
            for step in range(-60, 61, 5)
        )
        await city.compute(NOON.date())
        yield city


@pytest.fixture
async def city(database_url: str) -> AsyncIterator[City]:
    async with filled(database_url) as city:
        yield city


@pytest.fixture
async def api(city: City, database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an API that reads the city; there is no Kafka."""
    async with (
        running_api(settings_with_key(database_url, NO_KAFKA, time_zone="UTC"), bridged=False) as live,
        httpx.AsyncClient(base_url=f"{live.url}/api/v1", trust_env=False) as client,
    ):
        yield client


def span(before: float = 60, after: float = 65) -> dict[str, str]:
    """`from` and `to`, so many minutes around noon."""
    return {"from": (NOON - minutes(before)).isoformat(), "to": (NOON + minutes(after)).isoformat()}
