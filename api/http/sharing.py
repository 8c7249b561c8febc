"""Those who ask the same at the same time are given the same answer, for a moment: a wall of screens costs one query.

Shared are JSON answers that have an `ETag`, among those who may do the same. What a moment is, is a setting.
"""

import asyncio
import time
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import metrics

MOST_BYTES: Final = 64 * 1024**2
MOST_OF_ONE: Final = 2 * 1024**2
ASKED_BY: Final = ("accept", "accept-encoding", "host")
NOT_MODIFIED: Final = (b"content-length", b"content-encoding", b"content-type")


@dataclass
class Answer:
    """What was sent, and until when it may be sent again."""

    start: Message
    body: bytes
    route: Any
    until: float
    etag: str = field(init=False)

    def __post_init__(self) -> None:
        self.etag = Headers(raw=self.start["headers"]).get("etag", "")

    async def send(self, send: Send, known: str) -> None:
        """All of it, or 304 where the asker has it already."""
        if known and self.etag in [one.strip() for one in known.split(",")]:
            headers = [pair for pair in self.start["headers"] if pair[0].lower() not in NOT_MODIFIED]
            await send({**self.start, "status": 304, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return
        await send({**self.start, "headers": list(self.start["headers"])})
        await send({"type": "http.response.body", "body": self.body})


class Sharing:
    """ASGI middleware, within what says who asks."""

    def __init__(self, app: ASGIApp, prefix: str, seconds: float) -> None:
        self._app, self._prefix, self._seconds = app, prefix, seconds
        self._answers: dict[Hashable, Answer] = {}
        self._asking: dict[Hashable, asyncio.Future[Answer | None]] = {}
        self._bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith(self._prefix):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        key = self._key(scope, headers)
        known = headers.get("if-none-match", "")
        answer = self._fresh(key) or await self._asked_already(key)
        if answer is not None:
            scope["route"] = answer.route
            metrics.SHARED.inc()
            await answer.send(send, known)
        elif known or key in self._asking:
            await self._app(scope, receive, send)
        else:
            await self._ask(key, scope, receive, send)

    def _key(self, scope: Scope, headers: Headers) -> Hashable:
        granted = scope.get("state", {}).get("granted")
        scopes = None if granted is None else granted.scopes
        return scope["path"], scope["query_string"], scopes, *[headers.get(name) for name in ASKED_BY]

    def _fresh(self, key: Hashable) -> Answer | None:
        answer = self._answers.get(key)
        return answer if answer is not None and answer.until > time.monotonic() else None

    async def _asked_already(self, key: Hashable) -> Answer | None:
        """The answer that somebody else waits for."""
        asking = self._asking.get(key)
        return None if asking is None else await asyncio.shield(asking)

    async def _ask(self, key: Hashable, scope: Scope, receive: Receive, send: Send) -> None:
        asking = self._asking[key] = asyncio.get_running_loop().create_future()
        sent: list[Message] = []

        def settle(answer: Answer | None) -> None:
            """Nobody waits longer than until it is known whether it can be shared: a stream may have no end."""
            if not asking.done():
                del self._asking[key]
                asking.set_result(answer)

        async def noting(message: Message) -> None:
            if not asking.done():
                sent.append({**message, "headers": list(message["headers"])} if "headers" in message else message)
                if not _may_be_shared(message):
                    settle(None)
            await send(message)

        try:
            await self._app(scope, receive, noting)
            if not asking.done() and (answer := self._answer_of(sent, scope)) is not None:
                self._keep(key, answer)
                settle(answer)
        finally:
            settle(None)

    def _answer_of(self, sent: list[Message], scope: Scope) -> Answer | None:
        if len(sent) != 2:
            return None
        return Answer(sent[0], sent[1].get("body", b""), scope.get("route"), time.monotonic() + self._seconds)

    def _keep(self, key: Hashable, answer: Answer) -> None:
        """The oldest go where there are too many."""
        self._forget(key)
        self._answers[key] = answer
        self._bytes += len(answer.body)
        now = time.monotonic()
        for oldest in list(self._answers):
            if self._bytes <= MOST_BYTES and self._answers[oldest].until > now:
                break
            self._forget(oldest)

    def _forget(self, key: Hashable) -> None:
        gone = self._answers.pop(key, None)
        if gone is not None:
            self._bytes -= len(gone.body)


def _may_be_shared(message: Message) -> bool:
    """Whether what is sent so far belongs to a whole answer with an `ETag`."""
    if message["type"] == "http.response.start":
        return message["status"] == 200 and "etag" in Headers(raw=message["headers"])
    return not message.get("more_body", False) and len(message.get("body", b"")) <= MOST_OF_ONE
