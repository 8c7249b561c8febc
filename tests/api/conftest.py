"""A running API on a port of its own, connected to the real broker and the test's own database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
import uvicorn

from api.app import create_app
from api.server import server_of
from schema.dialect import connectable
from schema.keys import creating, new_key
from schema.scopes import Scope
from tests.waiting import until
from urbanclear.embedded.ports import choose
from urbanclear.settings import LOOPBACK, Settings

#: With all scopes, in every database of `settings_with_key`.
KEY = new_key()
AMPLE = dict.fromkeys(("rate_per_key", "rate_per_address", "rate_writes"), "999999/second")


def add_key(database_url: str, key: str, *scopes: Scope, name: str = "tests") -> None:
    with connectable(database_url).begin() as connection:
        connection.execute(creating(name, key, scopes, None))


def settings_with_key(database_url: str, bootstrap: str, **more: object) -> Settings:
    """Of an API on loopback as `urbanclear up` starts it: reads are open, `KEY` may do all. No limits, no sharing."""
    add_key(database_url, KEY, Scope.ADMIN)
    stated = {
        "database_url": database_url,
        "kafka_bootstrap": bootstrap,
        "open_reads": True,
        "shared_answers": "0s",
        **AMPLE,
        **more,
    }
    return Settings.model_validate(stated)


def bearer(key: str = KEY) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@dataclass(frozen=True)
class LiveApi:
    url: str
    bootstrap: str
    settings: Settings
    server: uvicorn.Server

    def stop(self) -> None:
        """Begin to shut down, as on SIGTERM."""
        self.server.should_exit = True

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
        yield LiveApi(f"http://{LOOPBACK}:{port}", str(settings.kafka_bootstrap), settings, server)
    finally:
        server.should_exit = True
        await serving


@pytest.fixture
async def live_api(kafka_bootstrap: str, database_url: str) -> AsyncIterator[LiveApi]:
    async with running_api(settings_with_key(database_url, kafka_bootstrap)) as api:
        yield api
