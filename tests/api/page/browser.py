"""A reader of the page: Debian's Chromium, what it asked for and complained of."""

import re
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, WebSocketRoute, async_playwright

from tests.waiting import until

ARTIFACTS = Path(__file__).parents[3] / ".artifacts"
QUIET = ("--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync")


@dataclass
class Visit:
    """One open page, with every address it asked for and every error it wrote to the console."""

    page: Page
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    async def until(self, expression: str, argument: object = None) -> None:
        """Return once `expression`, a JavaScript function of `argument`, is true on the page."""

        async def holds() -> object:
            return await self.page.evaluate(expression, argument)

        await until(holds, what=f"{expression} with {argument!r}")

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
async def opened(
    browser: Browser,
    url: str,
    *,
    width: int = 1400,
    height: int = 900,
    between: Callable[[WebSocketRoute], None] | None = None,
    **reader: Any,
) -> AsyncIterator[Visit]:
    """The page at `url`; `between` stands before its WebSocket, `reader` is what the browser is told."""
    context = await browser.new_context(viewport={"width": width, "height": height}, **reader)
    if between is not None:
        await context.route_web_socket(re.compile("/ws/traffic"), between)
    found = Visit(await context.new_page())
    found.page.on("request", lambda request: found.requests.append(request.url))
    found.page.on("websocket", lambda socket: found.requests.append(socket.url))
    found.page.on("pageerror", lambda error: found.errors.append(str(error)))
    found.page.on("console", lambda message: found.errors.append(message.text) if message.type == "error" else None)
    await found.page.goto(url)
    yield found
    await context.close()


@asynccontextmanager
async def visit(browser: Browser, url: str, **options: Any) -> AsyncIterator[Visit]:
    """As `opened`, and live."""
    async with opened(browser, url, **options) as found:
        await found.until_state("live")
        yield found
