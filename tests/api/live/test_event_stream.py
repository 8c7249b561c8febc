"""The same as the WebSocket, as Server-Sent Events."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from schema.publisher import Publisher
from tests.api.conftest import LiveApi, running_api
from tests.api.live.listening import crash, items_until, listener, publish, reading, sensor
from tests.waiting import until


class Stream:
    """Events one by one."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()
        self.retry: int | None = None

    async def event(self) -> tuple[str, dict[str, Any]]:
        """The next event's id and data."""
        number = ""
        async with asyncio.timeout(10):
            while True:
                name, _, value = (await anext(self._lines)).partition(": ")
                if name == "id":
                    number = value
                if name == "retry":
                    self.retry = int(value)
                if name == "data":
                    return number, json.loads(value)


@asynccontextmanager
async def stream(live_api: LiveApi, topic: str, last_id: str = "", **wanted: Any) -> AsyncIterator[Stream]:
    headers = {"Last-Event-ID": last_id} if last_id else {}
    async with (
        httpx.AsyncClient(base_url=live_api.url, trust_env=False, timeout=30) as client,
        client.stream("GET", f"/api/v1/stream/{topic}", params=wanted, headers=headers) as response,
    ):
        yield Stream(response)


async def test_a_stream_begins_with_a_snapshot_and_tells_each_change(live_api: LiveApi, feed: Publisher) -> None:
    async with stream(live_api, "incidents") as events:
        assert events.response.headers["content-type"].startswith("text/event-stream")
        number, snapshot = await events.event()
        assert (snapshot["type"], snapshot["items"], number) == ("snapshot", [], snapshot["cursor"])
        assert events.retry
        await publish(feed, crash(1))
        _, update = await events.event()
        assert [item["id"] for item in update["items"]] == ["crash-1"]


async def test_a_browser_that_comes_back_goes_on_where_it_was(live_api: LiveApi, feed: Publisher) -> None:
    async with stream(live_api, "traffic") as events:
        number, _ = await events.event()
    async with listener(live_api, "traffic") as other:
        for second, speed in enumerate((10, 20)):
            await publish(feed, reading(speed, second=second))
            await items_until(other, speed)
    heard: list[float] = []
    async with stream(live_api, "traffic", last_id=number) as events:
        while len(heard) < 2:
            _, message = await events.event()
            assert message["type"] == "update"
            heard += [item["speed_kmh"] for item in message["items"]]
    assert heard == [10, 20]


async def test_only_what_is_wanted_is_told(live_api: LiveApi, feed: Publisher) -> None:
    await publish(feed, sensor("north", area="Bronx"), sensor("south", area="Queens"))
    async with stream(live_api, "traffic", area="queens") as events:
        await events.event()
        await publish(feed, reading(10, "north"), reading(20, "south"))
        _, message = await events.event()
        assert [item["sensor"] for item in message["items"]] == ["test:south"]


@pytest.mark.parametrize(
    ("topic", "wanted"),
    [("weather", {}), ("traffic", {"since": "nonsense"}), ("traffic", {"interval": 0}), ("traffic", {"bbox": "1,2"})],
)
async def test_what_cannot_be_followed_is_a_problem(live_api: LiveApi, topic: str, wanted: dict[str, Any]) -> None:
    async with stream(live_api, topic, **wanted) as events:
        assert events.response.status_code == 422
        assert events.response.headers["content-type"] == "application/problem+json"


async def test_streams_count_as_clients_are_bounded_and_are_forgotten_when_they_go(live_api: LiveApi) -> None:
    settings = live_api.settings.model_copy(update={"live_clients": 1})
    async with running_api(settings) as full:
        async with stream(full, "traffic") as one:
            await one.event()
            async with stream(full, "traffic") as other:
                assert other.response.status_code == 503
                assert int(other.response.headers["retry-after"]) > 0

        async def gone() -> bool:
            async with httpx.AsyncClient(base_url=full.url, trust_env=False) as client:
                return bool((await client.get("/api/v1/websocket/status")).json()["clients"] == 0)

        await until(gone)


async def test_a_server_that_stops_does_not_wait_for_streams(live_api: LiveApi) -> None:
    loop = asyncio.get_running_loop()
    async with running_api(live_api.settings) as stopping:
        held = stream(stopping, "traffic")
        events = await held.__aenter__()
        await events.event()
        began = loop.time()
    assert loop.time() - began < 3
    with pytest.raises(StopAsyncIteration):
        await events.event()
    await held.__aexit__(None, None, None)
