"""The way from a group to a socket: prepared frames straight to the transport, and its write buffer to be asked.

`urbanclear api` gives uvicorn `FrameProtocol`, which offers itself in the ASGI scope's extensions. With another
server each client has a slot for one message, and a task that sends it.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any, Final

from fastapi import WebSocket
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from api.live.messages import Message

EXTENSION: Final = "urbanclear.frames"
MOST_BUFFERED: Final = 64 * 1024  # bytes: more is not handed to a socket that has not sent that
CLOSE_SECONDS: Final = 2.0  # for the answer to a close frame
SERVICE_RESTART: Final = 1012


class FrameProtocol(WebSocketsSansIOProtocol):
    """uvicorn's protocol, which besides writes frames that are made already."""

    retry_after: Callable[[], float] | None = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.close_timeout = CLOSE_SECONDS

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        if hasattr(self, "scope"):
            extensions: dict[str, Any] = self.scope["extensions"]
            extensions[EXTENSION] = self

    async def send(self, message: Any) -> None:
        """As uvicorn's, which would log a handshake that was answered with an error as never answered."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body", False):
            self.handshake_complete = True

    def is_ready(self) -> bool:
        """Whether the socket keeps up, or is gone."""
        return self.disconnected or bool(self.transport.get_write_buffer_size() <= MOST_BUFFERED)

    def write(self, message: Message) -> None:
        """As `Outlet.write`."""
        if not (self.close_sent or self.disconnected or self.transport.is_closing()):
            self.transport.write(message.frame)

    def cut(self) -> None:
        """As `Outlet.cut`: the socket is closed without another word, since none would be read."""
        self.transport.abort()

    def shutdown(self) -> None:
        """When the server stops: tell the client when to come back, so that not all come at once."""
        if self.handshake_complete and not self.close_sent and self.retry_after is not None:
            self.stop_keepalive()
            self.queue.put_nowait({"type": "websocket.disconnect", "code": SERVICE_RESTART})
            self.conn.send_close(SERVICE_RESTART, close_reason(self.retry_after()))
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
        super().shutdown()


class SlotOutlet:
    """For other servers: one message waits while another is sent."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._sending: asyncio.Task[None] | None = None

    def is_ready(self) -> bool:
        return self._sending is None or self._sending.done()

    def write(self, message: Message) -> None:
        before = self._sending
        self._sending = asyncio.create_task(self._send(message, before))

    def cut(self) -> None:
        if self._sending is not None:
            self._sending.cancel()

    async def _send(self, message: Message, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        await self._websocket.send_text(message.text.decode())


def outlet_of(websocket: WebSocket, retry_after: Callable[[], float]) -> FrameProtocol | SlotOutlet:
    """The quickest way to the client that the server offers."""
    found = websocket.scope.get("extensions", {}).get(EXTENSION)
    if isinstance(found, FrameProtocol):
        found.retry_after = retry_after
        return found
    return SlotOutlet(websocket)


def close_reason(retry_after: float) -> str:
    """What a close frame says."""
    return json.dumps({"retry_after": retry_after})
