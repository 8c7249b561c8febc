"""A source's end of the flow."""

from collections.abc import AsyncIterator

import pytest

from schema.publisher import Publisher, open_publisher
from tests.api.conftest import LiveApi


@pytest.fixture
async def feed(live_api: LiveApi) -> AsyncIterator[Publisher]:
    async with open_publisher(live_api.bootstrap) as publisher:
        yield publisher
