"""A small city with a past."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from schema.database import sqlalchemy_url
from tests.alerting.conditions.conftest import Watch
from tests.schema.city import city_at


@pytest.fixture
async def watch(database_url: str) -> AsyncIterator[Watch]:
    engine = create_async_engine(sqlalchemy_url(database_url))
    async with city_at(database_url) as city:
        yield Watch(city, engine)
    await engine.dispose()
