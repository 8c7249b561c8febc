"""Where notifications go while they are measured: receivers on loopback that note what came, and do nothing else."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import msgspec

from urbanclear.settings import LOOPBACK

_ANSWERS: Final = {b"QUIT": b"221 bye\r\n", b"EHLO": b"250-bench\r\n250 8BITMIME\r\n"}
_ACCEPTED: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@dataclass
class Hook:
    """When each subject was first told to fire, by the monotonic clock."""

    url: str = ""
    fired: dict[str, float] = field(default_factory=dict)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def told(self, subject: str, within_s: float) -> float:
        """When `subject` was told; waits for it. Raises `TimeoutError`."""
        async with asyncio.timeout(within_s):
            while subject not in self.fired:
                self.came.clear()
                await self.came.wait()
        return self.fired[subject]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode("latin-1").lower().split("\r\n")
                [length] = [int(line[15:]) for line in lines if line.startswith("content-length:")]
                self._note(await reader.readexactly(length), time.monotonic())
                writer.write(_ACCEPTED)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _note(self, body: bytes, at: float) -> None:
        for alert in msgspec.json.decode(body)["alerts"]:
            if alert["state"] == "firing":
                self.fired.setdefault(alert["subject"], at)
        self.came.set()


@dataclass
class Mailbox:
    """To whom mail came, and when the last did."""

    port: int = 0
    recipients: set[str] = field(default_factory=set)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def holds(self, count: int, within_s: float) -> float:
        """When mail to `count` different people was here; waits for it. Raises `TimeoutError`."""
        async with asyncio.timeout(within_s):
            while len(self.recipients) < count:
                self.came.clear()
                await self.came.wait()
        return time.monotonic()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection that speaks the least of SMTP (RFC 5321) that a sender needs."""
        writer.write(b"220 bench\r\n")
        try:
            while line := await reader.readline():
                word = line[:4].upper().strip()
                if word == b"RCPT":
                    self.recipients.add(line.decode().strip())
                if word == b"DATA":
                    writer.write(b"354 go on\r\n")
                    await reader.readuntil(b"\r\n.\r\n")
                    self.came.set()
                writer.write(_ANSWERS.get(word, b"250 ok\r\n"))
                await writer.drain()
                if word == b"QUIT":
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()


@asynccontextmanager
async def receivers() -> AsyncIterator[tuple[Hook, Mailbox]]:
    """Both, listening."""
    hook, mailbox = Hook(), Mailbox()
    async with _listening(hook.serve) as port:
        hook.url = f"http://{LOOPBACK}:{port}/hook"
        async with _listening(mailbox.serve) as mailbox.port:
            yield hook, mailbox


Serving = Callable[[asyncio.StreamReader, asyncio.StreamWriter], object]


@asynccontextmanager
async def _listening(serve: Serving) -> AsyncIterator[int]:
    server = await asyncio.start_server(serve, LOOPBACK, 0, limit=2**22)  # type: ignore[arg-type]
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
