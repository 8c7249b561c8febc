"""Those who follow by other means: the Python client, the command, the page of the docs, the AsyncAPI document."""

import asyncio
import json
import re
import sys
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosedError
from websockets.frames import Close
from websockets.http11 import Request, Response

from api.live.client import follow, retry_after
from schema.publisher import Publisher
from tests.api.conftest import LiveApi, running_api
from tests.api.live.listening import crash, listener, publish, reading, say, sensor, told
from urbanclear.errors import ConfigurationError

DOCS = Path(__file__).parents[3] / "docs"


async def test_the_python_client_reconnects_and_leaves_nothing_out(live_api: LiveApi, feed: Publisher) -> None:
    heard: list[float] = []
    async with running_api(live_api.settings) as first:
        port = int(first.url.rsplit(":", 1)[1])
        following = follow(first.websocket_url, "traffic")
        assert (await anext(following))["type"] == "snapshot"
        await publish(feed, reading(10))
        heard += [item["speed_kmh"] for item in (await anext(following))["items"]]
    await publish(feed, reading(20, second=1), reading(30, second=2))
    async with running_api(live_api.settings, port=port):
        async with asyncio.timeout(20):
            while len(heard) < 3:
                message = await anext(following)
                assert message["type"] == "update"
                heard += [item["speed_kmh"] for item in message["items"]]
        await following.aclose()  # type: ignore[attr-defined]
    assert heard == [10, 20, 30]


async def test_the_python_client_says_what_the_api_does_not_take(live_api: LiveApi) -> None:
    with pytest.raises(ConfigurationError, match="no such topic"):
        await anext(follow(live_api.websocket_url, "weather"))


async def test_watch_prints_each_change_of_an_area(live_api: LiveApi, feed: Publisher) -> None:
    await publish(feed, sensor("north", area="Bronx"), sensor("south", area="Manhattan"))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "urbanclear", "watch", "traffic", "--area", "manhattan", "--json"),
        *("--url", live_api.websocket_url, "--interval", "0.1"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(30):
        assert json.loads(await process.stdout.readline())["type"] == "snapshot"
        await publish(feed, reading(10, "north"), reading(20, "south"))
        update = json.loads(await process.stdout.readline())
    assert [(item["sensor"], item["speed_kmh"]) for item in update["items"]] == [("test:south", 20)]
    process.send_signal(2)
    assert await process.wait() == 0


async def test_what_is_said_and_told_fits_the_asyncapi_document(live_api: LiveApi, feed: Publisher) -> None:
    async with httpx.AsyncClient(base_url=live_api.url, trust_env=False) as client:
        document = (await client.get("/asyncapi.json")).json()
    schemas = document["components"]["schemas"]

    def check(name: str, message: dict[str, Any]) -> None:
        jsonschema.validate(message, {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}})

    subscription = {"type": "subscribe", "topic": "traffic", "areas": ["bronx"], "delta": True}
    check("Subscribe", subscription)
    with pytest.raises(jsonschema.ValidationError):
        check("Subscribe", {**subscription, "interval": 0})
    async with listener(live_api, "traffic", "incidents") as socket:
        for message in (await told(socket), await told(socket)):
            check("Snapshot", message)
        await publish(feed, reading(10))
        update = await told(socket)
        check("Update", update)
        check("TrafficItem", update["items"][0])
        await publish(feed, crash())
        check("IncidentItem", (await told(socket))["items"][0])
        for said, name in (({"type": "ping"}, "Pong"), ({"type": "nonsense"}, "Error")):
            await say(socket, **said)
            check(name, await told(socket))
    references = set(re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document)))
    for reference in references:
        node: Any = document
        for part in reference.split("/"):
            node = node[part]


def test_the_document_has_the_parts_that_asyncapi_3_requires() -> None:
    from api.live.asyncapi import document

    made = document()
    assert made["asyncapi"] == "3.0.0"
    assert set(made["info"]) >= {"title", "version"}
    assert {channel["address"] for channel in made["channels"].values()} == {
        "/ws/traffic",
        "/ws/traffic/{client_id}",
    }
    assert {operation["action"] for operation in made["operations"].values()} == {"send", "receive"}


@pytest.mark.parametrize(
    ("reason", "wait"),
    [
        ('{"retry_after": 7}', 7.0),
        ('{"retry_after": 7.3}', 7.3),
        ('{"retry_after": -1}', None),
        ('{"retry_after": "soon"}', None),
        ('{"retry_after": 1e9}', None),
        ("keepalive ping timeout", None),
        ("[]", None),
        ("", None),
    ],
)
def test_the_python_client_waits_as_long_as_a_close_frame_asks(reason: str, wait: float | None) -> None:
    assert retry_after(ConnectionClosedError(Close(1012, reason), None)) == wait


async def test_the_python_client_waits_as_long_as_a_refusal_asks() -> None:
    came: list[float] = []
    loop = asyncio.get_running_loop()

    def refuse_once(connection: ServerConnection, request: Request) -> Response | None:
        came.append(loop.time())
        return Response(503, "full", Headers({"Retry-After": "1"})) if len(came) == 1 else None

    async def answer(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send('{"type":"snapshot","topic":"traffic","cursor":"c","items":[]}')

    async with serve(answer, "127.0.0.1", 0, process_request=refuse_once) as server:
        port = server.sockets[0].getsockname()[1]
        following = follow(f"ws://127.0.0.1:{port}", "traffic")
        assert (await anext(following))["type"] == "snapshot"
        await following.aclose()  # type: ignore[attr-defined]
    assert came[1] - came[0] >= 1
