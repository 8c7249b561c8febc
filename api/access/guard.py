"""The door: before anything is read, each request is counted and its key looked at; each answer says what is left."""

from typing import Any, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access.address import address_of
from api.access.authentication import Authentication
from api.access.granted import Granted, Refused, missing
from api.access.limits import Count, Limits, Policy, headers_of, too_many
from api.http import problems

PROBES: Final = "/health/"
#: What is counted. The page's files and the documentation are not.
COUNTED: Final = ("/api/", "/graphql", "/metrics", "/ws/", PROBES)


class Guard:
    """ASGI middleware. What was granted is in `scope["state"]["granted"]`, for `requires`."""

    def __init__(self, app: ASGIApp, authentication: Authentication, limits: Limits) -> None:
        self._app = app
        self._authentication = authentication
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or not scope["path"].startswith(COUNTED):
            await self._app(scope, receive, send)
            return
        state: dict[str, Any] = scope.setdefault("state", {})
        counts: list[Count] = []
        state["counts"], state["address"] = counts, address_of(scope)
        telling = _telling(send, counts)
        try:
            await self._look(scope, state)
        except Refused as refused:
            await problems.refuse(refused, scope, receive, telling)
        else:
            await self._app(scope, receive, telling)

    async def _look(self, scope: Scope, state: dict[str, Any]) -> None:
        """Raises `Refused` before a body is read; what is needed beyond a key a route says, or a WebSocket's hook."""
        if scope["path"].startswith(PROBES):
            return
        header = Headers(scope=scope).get("authorization")
        state["granted"] = granted = await self._authentication.of_header(header, state["address"])
        if scope["type"] == "websocket":
            return  # how many there may be is for the live bridge to say
        await self._count(granted, state)
        if granted is None:
            raise missing()

    async def _count(self, granted: Granted | None, state: dict[str, Any]) -> None:
        known = granted is not None and granted.name is not None
        policy, who = (Policy.KEY, who_of(granted)) if granted and known else (Policy.ADDRESS, state["address"])
        await count(self._limits, policy, who, state["counts"])


def who_of(granted: Granted) -> str:
    """Whom to count: keys by number, tokens by subject."""
    return f"key {granted.key_id}" if granted.key_id is not None else f"token {granted.name}"


async def count(limits: Limits, policy: Policy, who: str, counts: list[Count]) -> None:
    """One more, to be told in the answer's headers; raises `Refused` where it is one too many."""
    counted = await limits.count(policy, who)
    counts.append(counted)
    if counted.remaining < 0:
        raise too_many(counted)


def _telling(send: Send, counts: list[Count]) -> Send:
    async def tell(message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            MutableHeaders(scope=message).update(headers_of(counts))
        await send(message)

    return tell
