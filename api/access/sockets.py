"""Who may listen to a WebSocket: whoever may read, by the handshake's header or by a key that is said later."""

import asyncio
from contextlib import suppress
from typing import Final

from fastapi import WebSocket, WebSocketDisconnect

from api.access.address import address_of
from api.access.authentication import Authentication
from api.access.granted import Granted, Refused, forbidden
from schema.scopes import Scope

POLICY: Final = 1008  # RFC 6455, 7.4
REASON: Final = '{"retry_after": 1}'


class Denied(Exception):
    """The key that was shown does not do."""


async def authorise(websocket: WebSocket, key: str | None = None) -> bool:
    """Whether the client may listen; without a `key`, after the handshake alone, which the guard has looked at.

    Once the key is revoked, or it or the token has expired, the socket is closed with 1008. Raises `Denied` for a key
    that is wrong or not for this, which metrics and limits have been told.
    """
    authentication: Authentication = websocket.app.state.access.authentication
    granted: Granted | None = getattr(websocket.state, "granted", None)
    try:
        if key is not None:
            granted = await authentication.of_credential(key, address_of(websocket.scope))
            if Scope.READ not in granted.scopes:
                raise forbidden(Scope.READ)
    except Refused as refused:
        raise Denied(refused.detail) from None
    if granted is None or Scope.READ not in granted.scopes:
        return False
    authentication.keys.standing.keep(websocket, granted, _end)
    return True


_closing: set[asyncio.Task[None]] = set()


def _end(websocket: WebSocket) -> None:
    closing = asyncio.create_task(_close(websocket))
    _closing.add(closing)
    closing.add_done_callback(_closing.discard)


async def _close(websocket: WebSocket) -> None:
    with suppress(RuntimeError, WebSocketDisconnect):  # it has just gone by itself
        await websocket.close(POLICY, REASON)
