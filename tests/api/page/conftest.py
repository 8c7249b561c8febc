"""A browser, and a feed whose end is what the page shows."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser

from schema.publisher import Publisher, open_publisher
from tests.api.conftest import LiveApi
from tests.api.page.browser import open_chromium
from tests.api.page.feeding import BROOKLYN, EAST, MANHATTAN, WEST, link, publish
from tests.ingest.running import running_consumer
from tests.waiting import until_query
from urbanclear.settings import Settings


@pytest.fixture
def server_url(embedded_postgres: str) -> str:
    """One engine is enough: the page sees the API alone, which is tested on both."""
    return embedded_postgres


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    async with open_chromium() as browser:
        yield browser


@pytest.fixture
async def feed(live_api: LiveApi, database_url: str) -> AsyncIterator[Publisher]:
    """A source's end of the flow: what is published here is stored by ingest and shown by the API."""
    settings = Settings.model_validate({"database_url": database_url, "kafka_bootstrap": live_api.bootstrap})
    async with running_consumer(settings), open_publisher(live_api.bootstrap) as publisher:
        yield publisher


@pytest.fixture
async def bridge(feed: Publisher, database_url: str) -> Publisher:
    """The feed, with both directions of a bridge known."""
    await publish(feed, link(EAST, "Bridge, eastbound", [MANHATTAN, BROOKLYN]))
    await publish(feed, link(WEST, "Bridge, westbound", [BROOKLYN, MANHATTAN], area="Brooklyn"))
    await until_query(database_url, "SELECT count(*) FROM sensors WHERE geometry IS NOT NULL", 2)
    return feed
