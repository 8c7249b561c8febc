"""Who may listen to a WebSocket: whoever may read, by the handshake's header or by a key that is said later."""

from fastapi import WebSocket

from api.access.address import address_of
from api.access.authentication import Authentication
from api.access.granted import Granted, Refused, forbidden
from schema.scopes import Scope


class Denied(Exception):
    """The key that was shown does not do."""


async def authorise(websocket: WebSocket, key: str | None = None) -> bool:
    """Whether the client may listen; without a `key`, after the handshake alone, which the guard has looked at.

    Raises `Denied` for a key that is wrong or not for this, which metrics and limits have been told.
    """
    if key is None:
        granted: Granted | None = getattr(websocket.state, "granted", None)
        return granted is not None and Scope.READ in granted.scopes
    authentication: Authentication = websocket.app.state.access.authentication
    try:
        said = await authentication.of_credential(key, address_of(websocket.scope))
        if Scope.READ not in said.scopes:
            raise forbidden(Scope.READ)
    except Refused as refused:
        raise Denied(refused.detail) from None
    return True
