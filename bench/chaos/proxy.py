"""A TCP proxy on loopback whose network can be made bad: cut, silent, half open, slow, or dripping."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

from urbanclear.settings import LOOPBACK

CHUNK_BYTES: Final = 65_536
DRIP_BYTES: Final = 64
DRIP_SECONDS: Final = 0.02


@dataclass(eq=False)
class Link:
    """One connection through the proxy; no upstream where the proxy has none for it."""

    client: asyncio.StreamWriter
    upstream: asyncio.StreamWriter | None = None
    dead: bool = False  # the server's side is gone, and the client is not told

    def abort(self) -> None:
        """End both sides with a reset."""
        for side in (self.client, self.upstream):
            if side is not None:
                side.transport.abort()

    def abandon(self) -> None:
        """End the server's side alone."""
        self.dead = True
        if self.upstream is not None:
            self.upstream.transport.abort()


class Proxy:
    """Carries connections made to `port` on to the server at `upstream`; each method makes it bad for a while."""

    def __init__(self, upstream: tuple[str, int]) -> None:
        self.upstream = upstream
        self.port = 0
        self._links: set[Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._cut = self._half_open = self._dripping = False
        self._delay_s = 0.0

    async def start(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._accept, LOOPBACK, 0)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """End every connection."""
        self._server.close()
        for link in self._links:
            link.abort()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @contextmanager
    def cut(self) -> Iterator[None]:
        """Every connection is reset, and each new one at once."""
        self._cut = True
        self._reset(self._links)
        try:
            yield
        finally:
            self._cut = False

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Nothing arrives; all of it does afterwards."""
        self._flowing.clear()
        try:
            yield
        finally:
            self._flowing.set()

    @contextmanager
    def half_open(self) -> Iterator[None]:
        """The server's side of every connection is gone, and the client hears nothing of it until afterwards."""
        self._half_open, victims = True, set(self._links)
        for link in victims:
            link.abandon()
        try:
            yield
        finally:
            self._half_open = False
            self._reset({link for link in self._links if link.dead})

    @contextmanager
    def slow(self, delay_s: float) -> Iterator[None]:
        """Whatever is sent arrives later."""
        self._delay_s = delay_s
        try:
            yield
        finally:
            self._delay_s = 0.0

    @contextmanager
    def dripping(self) -> Iterator[None]:
        """Whatever is sent arrives a few bytes at a time."""
        self._dripping = True
        try:
            yield
        finally:
            self._dripping = False

    def _reset(self, links: set[Link]) -> None:
        for link in set(links):
            link.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101
        self._tasks.add(task)
        link = Link(writer)
        self._links.add(link)
        try:
            await self._carry(link, reader)
        except (OSError, asyncio.CancelledError):
            pass  # either side is gone, or the proxy is closed
        finally:
            link.abort()
            self._links.discard(link)
            self._tasks.discard(task)

    async def _carry(self, link: Link, reader: asyncio.StreamReader) -> None:
        if self._cut:
            return
        if self._half_open:
            link.dead = True
            await self._swallow(reader)
            return
        await self._flowing.wait()
        answers, link.upstream = await asyncio.open_connection(*self.upstream)
        await self._both_ways(link, reader, answers, link.upstream)

    async def _both_ways(
        self, link: Link, reader: asyncio.StreamReader, answers: asyncio.StreamReader, upstream: asyncio.StreamWriter
    ) -> None:
        """Until one side ends; a dead link then only listens to its client."""
        ways = [asyncio.create_task(self._pump(*way)) for way in ((reader, upstream), (answers, link.client))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        if link.dead:
            await self._swallow(reader)

    async def _swallow(self, reader: asyncio.StreamReader) -> None:
        while await reader.read(CHUNK_BYTES):
            continue

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await source.read(CHUNK_BYTES):
                await self._flowing.wait()
                if self._delay_s:
                    await asyncio.sleep(self._delay_s)
                await self._write(chunk, target)

    async def _write(self, chunk: bytes, target: asyncio.StreamWriter) -> None:
        while self._dripping and chunk:
            target.write(chunk[:DRIP_BYTES])
            chunk = chunk[DRIP_BYTES:]
            await target.drain()
            await asyncio.sleep(DRIP_SECONDS)
        target.write(chunk)
        await target.drain()
