"""A reader of the page: Debian's Chromium, what it asked for and complained of, a network to cut."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright

from tests.waiting import until

ARTIFACTS = Path(__file__).parents[2] / ".artifacts"
QUIET = ("--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync")


@dataclass
class Visit:
    """One open page, with every address it asked for and every error it wrote to the console."""

    page: Page
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    async def until(self, expression: str, argument: object = None, *, timeout: float = 10.0) -> None:
        """Return once `expression`, a JavaScript function of `argument`, is true on the page."""

        async def holds() -> object:
            return await self.page.evaluate(expression, argument)

        await until(holds, timeout=timeout, what=f"{expression} with {argument!r}")

    async def until_state(self, state: str) -> None:
        await self.until("state => document.documentElement.dataset.state === state", state)

    async def ask(self, expression: str, argument: object = None) -> Any:
        return await self.page.evaluate(expression, argument)

    async def keep(self, name: str) -> None:
        """Save a picture of the page for people to look at."""
        ARTIFACTS.mkdir(exist_ok=True)
        await self.page.screenshot(path=ARTIFACTS / f"{name}.png")


@asynccontextmanager
async def open_chromium() -> AsyncIterator[Browser]:
    executable = shutil.which("chromium")
    if executable is None:
        pytest.skip("install Debian's chromium to run the page's tests")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=QUIET)
        yield browser
        await browser.close()


@asynccontextmanager
async def visit(browser: Browser, url: str, *, width: int = 1400, height: int = 900) -> AsyncIterator[Visit]:
    """The page at `url`, live."""
    context = await browser.new_context(viewport={"width": width, "height": height})
    found = Visit(await context.new_page())
    found.page.on("request", lambda request: found.requests.append(request.url))
    found.page.on("websocket", lambda socket: found.requests.append(socket.url))
    found.page.on("pageerror", lambda error: found.errors.append(str(error)))
    found.page.on("console", lambda message: found.errors.append(message.text) if message.type == "error" else None)
    await found.page.goto(url)
    await found.until_state("live")
    yield found
    await context.close()


class Relay:
    """Passes TCP connections on to a server, until it is cut; mended, it listens on the same port again."""

    def __init__(self, host: str, port: int) -> None:
        self._upstream = (host, port)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def mend(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Break every connection and refuse new ones."""
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self._upstream)
        self._writers |= {writer, far_writer}
        await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until either side is gone."""
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        writer.transport.abort()
    finally:
        writer.close()
