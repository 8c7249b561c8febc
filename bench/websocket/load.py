"""Many WebSocket clients of little cost: `python -m bench.websocket.load URL CLIENTS SOURCE SUBSCRIPTION`.

They shake hands by hand (RFC 6455, 4.1), count frames and note when each message reached the first and the last of
them. It says `ready` once all have their snapshot, and on end of input what it saw, as JSON.
"""

import asyncio
import base64
import json
import os
import sys
import time
from typing import Any, Final
from urllib.parse import urlsplit

import uvloop

from urbanclear.open_files import raise_limit

AT_ONCE: Final = 64
TIME: Final = b'"time":"'
TIME_LENGTH: Final = 27


class Seen:
    """When each message, told by the time of its first item, was seen, and how often."""

    def __init__(self) -> None:
        self.ready = 0
        self.lost = 0
        self.frames = 0
        self.messages: dict[str, list[float]] = {}

    def note(self, payload: bytes) -> None:
        self.frames += 1
        if b'"type":"snapshot"' in payload[:40]:
            self.ready += 1
            return
        at = payload.find(TIME)
        number = payload[at + len(TIME) : at + len(TIME) + TIME_LENGTH].split(b'"')[0].decode()
        now = time.time()
        seen = self.messages.setdefault(number, [0, now, now])
        seen[0] += 1
        seen[2] = now


class Client(asyncio.Protocol):
    """Subscribes, and reads frames of any size."""

    def __init__(self, seen: Seen, path: str, subscription: bytes) -> None:
        self._seen, self._path, self._subscription = seen, path, subscription
        self._data = bytearray()
        self._is_open = False
        self._is_done = False
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        self._transport.write(
            f"GET {self._path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        self._data += data
        if not self._is_open:
            end = self._data.find(b"\r\n\r\n")
            if end < 0:
                return
            if not self._data.startswith(b"HTTP/1.1 101"):
                self._transport.abort()
                return
            del self._data[: end + 4]
            self._is_open = True
            self._transport.write(masked(0x81, self._subscription))
        self._read_frames()

    def _read_frames(self) -> None:
        data = self._data
        while len(data) >= 2:
            head, length = 2, data[1]
            if length == 126:
                head, length = 4, int.from_bytes(data[2:4], "big")
            elif length == 127:
                head, length = 10, int.from_bytes(data[2:10], "big")
            if len(data) < head + length:
                return
            opcode, payload = data[0] & 0x0F, bytes(data[head : head + length])
            del data[: head + length]
            self._take(opcode, payload)

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == 9:
            self._transport.write(masked(0x8A, payload))
        elif opcode == 1:
            self._seen.note(payload)
            if not self.opened.done():
                self.opened.set_result(None)

    def connection_lost(self, _: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_result(None)
        elif not self._is_done:
            self._seen.lost += 1

    def leave(self) -> None:
        """Go, which is no loss."""
        self._is_done = True
        self._transport.abort()


def masked(first: int, payload: bytes) -> bytes:
    """A client's frame; a mask of zeros is one (RFC 6455, 5.3)."""
    length = len(payload)
    head = bytes((first, 0x80 | length)) if length < 126 else bytes((first, 0xFE)) + length.to_bytes(2, "big")
    return head + b"\0\0\0\0" + payload


async def run(url: str, count: int, source: str, subscription: bytes) -> None:
    """Hold `count` clients until standard input ends."""
    parts, seen, loop = urlsplit(url), Seen(), asyncio.get_running_loop()
    host, port = parts.hostname or "", parts.port or 80
    gate = asyncio.Semaphore(AT_ONCE)
    clients: list[Client] = []

    async def connect() -> None:
        async with gate:
            _, client = await loop.create_connection(
                lambda: Client(seen, parts.path, subscription), host, port, local_addr=(source, 0)
            )
            await client.opened
            clients.append(client)

    await asyncio.gather(*[connect() for _ in range(count)])
    say({"ready": seen.ready})
    await loop.run_in_executor(None, sys.stdin.read)
    say({"lost": seen.lost, "frames": seen.frames, "messages": seen.messages})
    for client in clients:
        client.leave()


def say(report: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(report) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise_limit()
    uvloop.run(run(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4].encode()))
