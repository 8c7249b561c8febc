"""A connection that breaks is said to, mended and resumed, and waits as long as the server asks."""

import json
import re
from contextlib import AsyncExitStack
from typing import Any

import pytest
from playwright.async_api import Browser, WebSocketRoute, expect

from api.live.hub import Hub
from schema.publisher import Publisher
from tests.api.conftest import LiveApi, running_api, settings_with_key
from tests.api.page.browser import visit
from tests.api.page.feeding import EAST, WEST, publish, reading, until_speed
from tests.api.relay import Relay
from tests.waiting import until

NO_KAFKA = "127.0.0.1:1"


async def test_a_lost_connection_is_said_and_mended(live_api: LiveApi, bridge: Publisher, chromium: Browser) -> None:
    relay = await Relay.to(live_api.url)
    async with visit(chromium, f"http://127.0.0.1:{relay.port}/") as open_page:
        banner = open_page.page.locator("#banner", has_text="Connection lost")
        assert not await banner.is_visible()
        await relay.cut()
        await open_page.until_state("stale")
        await banner.wait_for()
        await publish(bridge, reading(EAST, 33))
        await relay.mend()
        await open_page.until_state("live")
        await until_speed(open_page, EAST, 33)
        await publish(bridge, reading(EAST, 34))
        await until_speed(open_page, EAST, 34)
        await expect(banner).to_be_hidden()
    await relay.cut()


async def test_after_a_break_every_topic_goes_on_from_its_last_message_and_nothing_is_missing(
    live_api: LiveApi, bridge: Publisher, chromium: Browser
) -> None:
    relay = await Relay.to(live_api.url)
    said: list[dict[str, Any]] = []
    heard: list[dict[str, Any]] = []
    async with visit(chromium, f"http://127.0.0.1:{relay.port}/") as open_page:
        await publish(bridge, reading(EAST, 50), reading(WEST, 51))
        await until_speed(open_page, WEST, 51)

        def follow(socket: Any) -> None:
            socket.on("framesent", lambda frame: said.append(json.loads(frame)))
            socket.on("framereceived", lambda frame: heard.append(json.loads(frame)))

        open_page.page.on("websocket", follow)
        await relay.cut()
        await open_page.until_state("stale")
        for speed in range(20, 30):
            await publish(bridge, reading(EAST, speed), reading(WEST, speed + 10))
        await relay.mend()
        await open_page.until_state("live")
        await until_speed(open_page, EAST, 29)
        await until_speed(open_page, WEST, 39)
    await relay.cut()
    subscribed = {message["topic"]: message for message in said if message["type"] == "subscribe"}
    assert set(subscribed) == {"traffic", "incidents", "predictions", "alerts"}
    assert all(message["since"] for message in subscribed.values())
    assert "snapshot" not in {message["type"] for message in heard}
    told = [item["speed_kmh"] for message in heard for item in message.get("items", []) if item.get("sensor") == EAST]
    assert told == [float(speed) for speed in range(20, 30)]


async def test_a_page_waits_as_long_as_a_stopping_server_asks(
    database_url: str, chromium: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Hub, "retry_after", lambda _: 20.0)
    settings = settings_with_key(database_url, NO_KAFKA)
    async with AsyncExitStack() as stack:
        leaving = await stack.enter_async_context(running_api(settings, bridged=False))
        open_page = await stack.enter_async_context(visit(chromium, leaving.url))
        leaving.stop()
        await open_page.until_state("stale")
        countdown = open_page.page.locator("#countdown")
        await expect(countdown).to_have_text(re.compile(r"\d"))
        shown = await countdown.inner_text()
        assert 18 <= int(re.findall(r"\d+", shown)[0]) <= 25


async def test_events_that_were_dropped_are_asked_for_again(
    live_api: LiveApi, bridge: Publisher, chromium: Browser
) -> None:
    """The server's own word for it comes only to readers far too slow for a test, so it is put in on the way."""
    said: list[dict[str, Any]] = []
    page_side: list[WebSocketRoute] = []

    def between(route: WebSocketRoute) -> None:
        server = route.connect_to_server()
        page_side.append(route)

        def pass_on(text: str | bytes) -> None:
            said.append(json.loads(text))
            server.send(text)

        route.on_message(pass_on)

    async with visit(chromium, live_api.url, between=between) as open_page:
        await publish(bridge, reading(EAST, 50))
        await until_speed(open_page, EAST, 50)
        said.clear()
        page_side[-1].send(json.dumps({"type": "lagged", "topic": "traffic", "cursor": "far-ahead", "dropped": 3}))

        async def asked_again() -> bool:
            return any(message.get("topic") == "traffic" and message.get("since") for message in said)

        await until(asked_again, what="a subscription since the last message")
        assert "far-ahead" not in json.dumps(said)
