"""A pool of connections to a database of the test's own, and a stage on it."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from alerting.database import connected
from tests.alerting.stage import Stage


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    pool = connected(database_url)
    yield pool
    await pool.dispose()


@pytest.fixture
def stage(engine: AsyncEngine) -> Stage:
    return Stage(engine)
