"""A running API on a port of its own, connected to the real broker and the test's own database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from api.app import create_app
from api.server import server_of
from tests.waiting import until
from urbanclear.embedded.ports import choose
from urbanclear.settings import LOOPBACK, Settings

PUSH_KEY = "a key that only tests have"


@dataclass(frozen=True)
class LiveApi:
    url: str
    bootstrap: str
    settings: Settings

    @property
    def websocket_url(self) -> str:
        return self.url.replace("http", "ws", 1) + "/ws/traffic"


@asynccontextmanager
async def running_api(settings: Settings, *, bridged: bool = True, port: int | None = None) -> AsyncIterator[LiveApi]:
    """The API with `settings`; `bridged`: what needs Kafka and the database, the bridge, has begun as well."""
    port = port or choose(1, [])[0]
    app = create_app(settings)
    server = server_of(app, settings, port)
    serving = asyncio.create_task(server.serve())

    async def ready() -> bool:
        return server.started and (bool(app.state.bridge.connected) or not bridged)

    try:
        await until(ready, what="the API's start")
        yield LiveApi(f"http://{LOOPBACK}:{port}", str(settings.kafka_bootstrap), settings)
    finally:
        server.should_exit = True
        await serving


@pytest.fixture
async def live_api(kafka_bootstrap: str, database_url: str) -> AsyncIterator[LiveApi]:
    settings = Settings.model_validate(
        {"database_url": database_url, "kafka_bootstrap": kafka_bootstrap, "push_key": PUSH_KEY}
    )
    async with running_api(settings) as api:
        yield api
