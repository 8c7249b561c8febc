"""The page of docs/examples, on a site of its own, as its readers would put it up."""

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.async_api import Browser, WebSocketRoute

from schema.publisher import open_publisher
from tests.api.conftest import running_api, settings_with_key
from tests.api.page.browser import Visit, opened
from tests.api.page.feeding import EAST, WEST, publish, reading

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"


class Quiet(SimpleHTTPRequestHandler):
    def log_request(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def site() -> Iterator[str]:
    """Another site than the API's."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=EXAMPLES)) as server:
        serving = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.join()


async def until_shown(page: Visit, *words: str) -> None:
    shows = "words => words.every(word => document.body.innerText.includes(word))"
    await page.until(shows, list(words))


async def test_the_example_follows_and_goes_on_after_any_end_of_its_connection(
    kafka_bootstrap: str, database_url: str, chromium: Browser, site: str
) -> None:
    settings = settings_with_key(database_url, kafka_bootstrap, cors_origins=site)
    routes: list[WebSocketRoute] = []
    told: list[str] = []

    def between(route: WebSocketRoute) -> None:
        routes.append(route)

        def pass_on(text: str | bytes) -> None:
            told.append(str(text))
            route.send(text)

        route.connect_to_server().on_message(pass_on)

    async with running_api(settings) as api, open_publisher(kafka_bootstrap) as feed:
        address = f"{site}/live.html?api={api.websocket_url}"
        async with opened(chromium, address, between=between) as page:
            await until_shown(page, "live")
            await publish(feed, reading(EAST, 31))
            await until_shown(page, "31 km/h")
            for number, reason in enumerate(("keepalive ping timeout", '{"retry_after": 0.1}', "")):
                told.clear()
                await routes[-1].close(code=4_000, reason=reason)
                await publish(feed, reading(WEST, 41 + number))
                await until_shown(page, "live", "31 km/h", f"{41 + number} km/h")
                assert '"snapshot"' not in "".join(told)


async def test_the_example_opens_on_a_site_that_is_not_named_only_to_say_so(
    kafka_bootstrap: str, database_url: str, chromium: Browser, site: str
) -> None:
    settings = settings_with_key(database_url, kafka_bootstrap)
    async with (
        running_api(settings, bridged=False) as api,
        opened(chromium, f"{site}/live.html?api={api.websocket_url}") as page,
    ):
        await until_shown(page, "connection lost")
