"""One HTTP connection, held to a time and a size: a client that dribbles, or reads nothing, does not keep its place.

uvicorn bounds how long a connection may be idle between requests, and nothing within one.
"""

import asyncio
from typing import Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from api.http.problems import MEDIA_TYPE, Problem

HEAD_SECONDS: Final = 10.0
"""From a connection's or a request's first moment to the end of its headers."""
BODY_SECONDS: Final = 20.0
"""From there to the end of its body; and a second more for each so many bytes that came:"""
BODY_BYTES_PER_SECOND: Final = 16_000
TAKING_SECONDS: Final = 60.0
"""That a client may take nothing of what waits for it."""
LINGERING_SECONDS: Final = 2.0
"""That a refused client may still send, so that it hears why: unread bytes would reset its connection."""
MOST_HEAD_BYTES: Final = 65_536
SEPARATORS: Final = 4  # a colon, a space and a line's end


class HeadTooLong(Exception):
    """Request line and headers are longer than is allowed."""


class Connection(HttpToolsProtocol):
    """uvicorn's, with bounds. Time in which it is us who do not read is not held against the client."""

    _timer: asyncio.TimerHandle | None = None
    _taking: asyncio.TimerHandle | None = None
    _refused = False
    _in_body = False
    _head_bytes = 0  # raw, of a head that is not whole yet
    _parsed_bytes = 0  # of its address and headers
    _body_bytes = 0
    _body_began = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        self._stop_offering()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        super().data_received(data)
        if self._refused or self.transport.is_closing() or self.transport.get_protocol() is not self:
            return
        if self._timer is None and (self.cycle is None or self.cycle.response_complete):
            self._await_head()  # bytes between requests that begin none
        if self._timer is not None and not self._in_body:
            self._head_bytes += len(data)
            if self._head_bytes > MOST_HEAD_BYTES:  # a header without an end is not told of by the parser
                self.send_400_response("")

    def handle_websocket_upgrade(self) -> None:
        self._stop_waiting()  # from here on the live bridge has bounds of its own
        super().handle_websocket_upgrade()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._timer is None:
            self._await_head()
        self._parsed_bytes = 0

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value) + SEPARATORS)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._await_body()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._stop_waiting()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """What cannot be parsed is answered as a problem, as all else is."""
        if max(self._head_bytes, self._parsed_bytes) > MOST_HEAD_BYTES:
            self._refuse(431, f"Address and headers are longer than {MOST_HEAD_BYTES:,} bytes.")
        else:
            self._refuse(400, "This is no HTTP request.")

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._taking is None:
            self._taking = self.loop.call_later(TAKING_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        self._stop_offering()
        super().resume_writing()

    def _count(self, length: int) -> None:
        self._parsed_bytes += length
        if self._parsed_bytes > MOST_HEAD_BYTES:
            raise HeadTooLong

    def _await_head(self) -> None:
        self._stop_waiting()
        self._in_body, self._head_bytes = False, 0
        self._timer = self.loop.call_later(HEAD_SECONDS, self._expired)

    def _await_body(self) -> None:
        self._stop_waiting()
        self._in_body, self._body_bytes, self._body_began = True, 0, self.loop.time()
        self._timer = self.loop.call_later(BODY_SECONDS, self._expired)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _stop_offering(self) -> None:
        if self._taking is not None:
            self._taking.cancel()
            self._taking = None

    def _expired(self) -> None:
        self._timer = None
        left = self._left()
        if left > 0:
            self._timer = self.loop.call_later(left, self._expired)
        elif self._is_silent():
            self.transport.close()
        else:
            self._refuse(408, "The request did not come in time.")

    def _is_silent(self) -> bool:
        """Whether it was opened ahead of need, as browsers do, and nothing was asked."""
        return not self._in_body and self._head_bytes == 0

    def _left(self) -> float:
        """Seconds that the client still has."""
        if self.flow.read_paused:
            return HEAD_SECONDS
        if not self._in_body:
            return 0
        allowed = BODY_SECONDS + self._body_bytes / BODY_BYTES_PER_SECOND
        return self._body_began + allowed - self.loop.time()

    def _refuse(self, status: int, detail: str) -> None:
        """Say why, unless an answer is under way, and hear nothing more."""
        self._stop_waiting()
        self._refused = True
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            body = Problem(status=status, detail=detail).model_dump_json().encode()
            head = f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
            self.transport.write(STATUS_LINE[status] + head.encode() + body)
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.write_eof()
        self.flow.resume_reading()
        self._timer = self.loop.call_later(LINGERING_SECONDS, self.transport.abort)
