"""Who listens, and for how long: no longer than their key is good."""

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from api.access.granted import ANYONE, Granted
from api.access.standing import Standing
from api.live import websocket as live
from schema.scopes import Scope
from tests.api.access.conftest import WRONG, Guard, Guarded
from tests.api.live.listening import say, told

pytestmark = pytest.mark.parametrize("server_url", ["embedded"], indirect=True)
KEYS = "/api/v1/keys"


def connected(guarded: Guarded, key: str | None = None) -> AbstractAsyncContextManager[ClientConnection]:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    return connect(guarded.api.websocket_url, proxy=None, additional_headers=headers, max_size=None)


async def subscribed(socket: ClientConnection) -> str:
    """The type of what comes of it, or the code of its error."""
    await say(socket, type="subscribe", topic="traffic")
    message = await told(socket)
    return str(message.get("code", message["type"]))


async def test_a_websocket_wants_the_key_in_the_handshake_or_in_a_message(guarded: Guarded) -> None:
    key = guarded.keys[Scope.READ]
    with pytest.raises(InvalidStatus) as refused:
        async with connected(guarded, WRONG):
            pass
    assert refused.value.response.status_code == 401
    async with connected(guarded, key) as socket:
        assert await subscribed(socket) == "snapshot"
    async with connected(guarded) as socket:
        for _ in range(2):
            assert await subscribed(socket) == "unauthorised"
            await say(socket, type="authenticate", key=WRONG)
            assert (await told(socket))["code"] == "unauthorised"
        await say(socket, type="authenticate", key=key)
        assert (await told(socket))["type"] == "authenticated"
        assert await subscribed(socket) == "snapshot"


async def test_who_says_no_key_in_time_is_sent_away_and_who_does_stays(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "AUTHENTICATE_SECONDS", 0.3)
    async with connected(guarded) as quiet, connected(guarded) as known:
        await say(known, type="authenticate", key=guarded.keys[Scope.READ])
        assert (await told(known))["type"] == "authenticated"
        assert await closed(quiet) == 1008
        assert await subscribed(known) == "snapshot"


async def closed(socket: ClientConnection) -> int | None:
    """The code with which it is closed."""
    try:
        while True:
            await told(socket)
    except ConnectionClosed as end:
        return end.rcvd.code if end.rcvd else None


async def made(guarded: Guarded, **wanted: Any) -> dict[str, Any]:
    admin = guarded.bearer(Scope.ADMIN)
    answer = await guarded.client.post(KEYS, json={"scopes": ["read"], **wanted}, headers=admin)
    found: dict[str, Any] = answer.json()
    return found


async def test_what_a_revoked_key_opened_is_ended_and_nothing_else(guarded: Guarded) -> None:
    key = await made(guarded, name="wall")
    async with (
        connected(guarded, key["key"]) as by_header,
        connected(guarded) as by_message,
        connected(guarded, guarded.keys[Scope.READ]) as other,
        guarded.client.stream(
            "GET", "/api/v1/stream/traffic", headers={"Authorization": f"Bearer {key['key']}"}
        ) as stream,
    ):
        await say(by_message, type="authenticate", key=key["key"])
        assert (await told(by_message))["type"] == "authenticated"
        assert await subscribed(by_header) == await subscribed(by_message) == "snapshot"
        await guarded.client.delete(f"{KEYS}/{key['id']}", headers=guarded.bearer(Scope.ADMIN))
        assert await closed(by_header) == await closed(by_message) == 1008
        async with asyncio.timeout(10):
            assert "snapshot" in "".join([text async for text in stream.aiter_text()])  # and then its end
        assert await subscribed(other) == "snapshot"


async def test_a_socket_ends_when_its_key_does(guarding: Guard) -> None:
    async with guarding(keys_refresh="0.2s") as guarded:
        key = await made(guarded, name="short", expires="1s")
        async with connected(guarded, key["key"]) as socket:
            assert await subscribed(socket) == "snapshot"
            assert await closed(socket) == 1008


def test_a_connection_that_is_gone_is_forgotten_and_that_of_nobody_never_kept(server_url: str) -> None:
    class Connection:
        pass

    standing, known = Standing(), Granted(frozenset({Scope.READ}), "known", 1)
    ended: list[str] = []
    here, gone, open_one = Connection(), Connection(), Connection()
    standing.keep(here, known, lambda _: ended.append("here"))
    standing.keep(gone, known, lambda _: ended.append("gone"))
    standing.keep(open_one, ANYONE, lambda _: ended.append("open"))
    del gone
    standing.end_lapsed(lambda granted: True)
    assert ended == []
    for _ in range(2):
        standing.end_lapsed(lambda granted: False)
    assert ended == ["here"]
