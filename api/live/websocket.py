"""`/ws/traffic`: subscribe to topics, be sent a snapshot of each and then what changes."""

import asyncio
import re
import time
from collections.abc import Mapping
from typing import Any, Final

from fastapi import Response, WebSocket
from starlette.types import ASGIApp, Receive, Scope, Send

from api.access.address import address_of
from api.access.sockets import Denied, authorise
from api.live import metrics
from api.live.admission import Pace, refusal
from api.live.filters import Filter
from api.live.group import STALLED_SECONDS, Group
from api.live.hub import Hub, NotFilled, TooMany
from api.live.messages import (
    Authenticate,
    Authenticated,
    Error,
    Message,
    Ping,
    Pong,
    Said,
    Subscribe,
    Told,
    Unsubscribe,
    decode_said,
    told,
)
from api.live.wire import close_reason, outlet_of
from schema.events import UNREADABLE
from urbanclear.settings import Settings

POLICY, TRY_AGAIN_LATER = 1008, 1013  # RFC 6455, 7.4, and its registry
AUTHENTICATE_SECONDS: Final = 10.0  # for a key, where one is needed
LOOK_AGAIN_SECONDS: Final = 0.05


PATH: Final = re.compile("/ws/traffic(?:/[^/]{1,100})?")
"""Any client's, or that of one that names itself."""


class LiveSockets:
    """ASGI middleware: WebSockets go no further, so that each client keeps few frames of the stack in memory."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        websocket = WebSocket(scope, receive, send)
        if PATH.fullmatch(scope["path"]):
            await _serve(websocket)
        else:
            await websocket.send_denial_response(Response("There is no such path: /ws/traffic is one.\n", 404))


async def _serve(websocket: WebSocket) -> None:
    hub: Hub = websocket.app.state.hub
    settings: Settings = websocket.app.state.settings
    address = address_of(websocket.scope)
    if (refused := refusal(hub, settings, address)) is not None:
        await websocket.send_denial_response(refused)
        return
    hub.enter(address)
    metrics.CLIENTS.set(hub.clients.total())
    session = Session(websocket, hub, settings)
    try:
        await websocket.accept()
        await session.run()
    finally:
        session.end()
        hub.leave(address)
        metrics.CLIENTS.set(hub.clients.total())


def _said(message: Mapping[str, Any]) -> Said:
    """Raises one of `UNREADABLE`."""
    text = message.get("text")
    if text is None:
        raise ValueError("messages are JSON in text frames, not binary")
    said: Said = decode_said(text)
    return said


class Session:
    """One client, from its coming to its going."""

    __slots__ = (
        "_closing",
        "_errors",
        "_hub",
        "_idle",
        "_outlet",
        "_pace",
        "_settings",
        "_socket",
        "_subscribed",
        "_welcome",
    )

    def __init__(self, websocket: WebSocket, hub: Hub, settings: Settings) -> None:
        self._socket, self._hub, self._settings = websocket, hub, settings
        self._outlet = outlet_of(websocket, hub.retry_after)
        self._pace = Pace(settings.live_messages_per_second)
        self._subscribed: dict[str, Group] = {}
        self._errors = 0
        self._welcome = False
        self._idle: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Until the client leaves, or is sent away."""
        self._welcome = await authorise(self._socket)
        self._watch_idle()
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return None
            if not self._pace.allows():
                return await self._send_away(TRY_AGAIN_LATER, "pace")
            try:
                understood = await self._take(message)
            except NotFilled:
                return await self._send_away(TRY_AGAIN_LATER, "not_filled")
            if not understood:
                return await self._send_away(POLICY, "errors")
            await self._read_by_client()

    def end(self) -> None:
        """Let go of all that was subscribed to."""
        self._forget_idle()
        for group in self._subscribed.values():
            self._hub.unsubscribe(group, self._outlet)
        self._subscribed.clear()

    async def _take(self, message: Mapping[str, Any]) -> bool:
        """Do what was said; False once the client has said too much that cannot be done."""
        try:
            await self._do(_said(message))
        except UNREADABLE as error:
            self._tell(Error("bad_request", f'{error}; say {{"type": "subscribe", "topic": "traffic"}}'))
            self._errors += 1
        except Denied as error:
            self._tell(Error("unauthorised", str(error)))
            self._errors += 1
        return self._errors < self._settings.live_errors

    async def _read_by_client(self) -> None:
        """Who does not read what was told is not listened to: answers would heap up."""
        begun = time.monotonic()
        while not self._outlet.is_ready():
            if time.monotonic() - begun > STALLED_SECONDS:
                metrics.CUT.inc()
                return self._outlet.cut()
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
        return None

    async def _do(self, said: Said) -> None:
        match said:
            case Authenticate():
                self._welcome = await authorise(self._socket, said.key)
                self._forget_idle()
                self._tell(Authenticated())
            case Ping():
                self._tell(Pong())
            case Subscribe() | Unsubscribe() if said.topic not in self._hub.topics:
                self._errors += 1
                self._tell(Error("unknown_topic", f"no such topic; there are {', '.join(self._hub.topics)}"))
            case Subscribe():
                await self._subscribe(said)
            case Unsubscribe():
                self._unsubscribe(said.topic)
        self._watch_idle()

    async def _subscribe(self, asked: Subscribe) -> None:
        if not self._welcome:
            raise Denied('say {"type": "authenticate", "key": "…"} first, or send the key as Authorization: Bearer')
        wanted = Filter.of(asked.areas, asked.sensors, asked.bbox)
        self._unsubscribe(asked.topic)
        try:
            message, seq = await self._hub.first(asked, wanted)
        except ValueError as error:
            self._errors += 1
            return self._tell(Error("bad_cursor", str(error)))
        try:
            group = self._hub.subscribe(asked, wanted, self._outlet, seq)
        except TooMany as error:
            metrics.REFUSED.labels("groups").inc()
            return self._tell(Error("too_many", str(error)))
        self._subscribed[asked.topic] = group
        self._write(message)
        return None

    def _unsubscribe(self, topic: str) -> None:
        group = self._subscribed.pop(topic, None)
        if group is not None:
            self._hub.unsubscribe(group, self._outlet)

    def _tell(self, message: Told) -> None:
        if isinstance(message, Error):
            metrics.REFUSED.labels(message.code).inc()
        self._write(told(message))

    def _write(self, message: Message) -> None:
        self._outlet.write(message)
        metrics.note_sent(message)

    def _watch_idle(self) -> None:
        """A client without a subscription is not kept for long, without a key where one is needed even less."""
        if self._subscribed:
            self._forget_idle()
        elif self._idle is None:
            idle = self._settings.live_idle.total_seconds()
            seconds = idle if self._welcome else min(idle, AUTHENTICATE_SECONDS)
            self._idle = asyncio.get_running_loop().call_later(seconds, self._idled)

    def _forget_idle(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _idled(self) -> None:
        metrics.REFUSED.labels("idle").inc()
        self._closing = asyncio.create_task(self._send_away(POLICY, "idle"))

    async def _send_away(self, code: int, why: str) -> None:
        metrics.REFUSED.labels(why).inc()
        await self._socket.close(code, close_reason(self._hub.retry_after()))
