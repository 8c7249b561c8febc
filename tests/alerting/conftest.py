"""A pool of connections to a database of the test's own, a stage on it, and a small city that rules watch."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from alerting.database import connected
from tests.alerting.stage import Stage
from tests.alerting.watching import Watch
from tests.schema.city import city_at


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    pool = connected(database_url)
    yield pool
    await pool.dispose()


@pytest.fixture
def stage(engine: AsyncEngine) -> Stage:
    return Stage(engine)


@pytest.fixture
async def watch(engine: AsyncEngine, database_url: str) -> AsyncIterator[Watch]:
    async with city_at(database_url) as city:
        yield Watch(city, engine)
