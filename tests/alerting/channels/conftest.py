"""Authorities for TLS, and senders as alerting opens them."""

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
from sqlalchemy.ext.asyncio import create_async_engine

from alerting.channels.contract import Outgoing
from alerting.channels.registry import Senders, open_senders
from schema.alerting.routing import Channel
from schema.database import sqlalchemy_url
from tests.alerting.outbox import message, settings

Opening = Callable[..., AbstractAsyncContextManager[Senders]]
NOWHERE = "postgresql://nobody@127.0.0.1:1/none"


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def server_tls(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """Of a server called localhost, by an authority that is trusted."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    trusted = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(trusted))
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    return context


@asynccontextmanager
async def opened(database_url: str = NOWHERE, **fields: Any) -> AsyncIterator[Senders]:
    engine = create_async_engine(sqlalchemy_url(database_url))
    async with open_senders(settings(**fields), engine) as senders:
        yield senders
    await engine.dispose()


def outgoing(channel: Channel, key: str = "n1-0", **fields: object) -> Outgoing:
    given: dict[str, object] = {"message": message(), "contact": "ops"} | fields
    return Outgoing(key=key, channel=channel, **given)  # type: ignore[arg-type]
