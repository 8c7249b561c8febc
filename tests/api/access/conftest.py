"""An API that wants a key, and keys of each scope."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest

from schema.keys import new_key
from schema.scopes import Scope
from tests.api.conftest import AMPLE, LiveApi, add_key, running_api
from urbanclear.settings import Settings

NO_KAFKA = "127.0.0.1:1"
#: One that has never been anybody's.
WRONG = new_key()


@dataclass(frozen=True)
class Guarded:
    """The API, a client that sends no key, and the key of each scope."""

    api: LiveApi
    client: httpx.AsyncClient
    keys: dict[Scope, str]
    database_url: str

    def bearer(self, scope: Scope) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.keys[scope]}"}

    async def status(self, path: str, key: str | None, method: str = "GET") -> int:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        return (await self.client.request(method, path, headers=headers)).status_code


Guard = Callable[..., AbstractAsyncContextManager[Guarded]]


@pytest.fixture
def guarding(database_url: str) -> Guard:
    """Starts such an API, with settings of a test's own; there is no Kafka where none is said."""
    keys = {scope: new_key() for scope in Scope}
    for scope, key in keys.items():
        add_key(database_url, key, scope, name=f"to {scope}")

    @asynccontextmanager
    async def start(**said: object) -> AsyncIterator[Guarded]:
        stated = {
            "database_url": database_url,
            "kafka_bootstrap": NO_KAFKA,
            **AMPLE,
            "rate_failures": "999999/second",
        }
        async with (
            running_api(Settings.model_validate({**stated, **said}), bridged=False) as api,
            httpx.AsyncClient(base_url=api.url, trust_env=False, timeout=20) as client,
        ):
            yield Guarded(api, client, keys, database_url)

    return start


@pytest.fixture
async def guarded(guarding: Guard) -> AsyncIterator[Guarded]:
    async with guarding() as found:
        yield found
