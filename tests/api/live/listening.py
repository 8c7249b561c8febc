"""A WebSocket client for tests, and events to publish."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from schema.events import Event, Incident, Reading, Sensor
from schema.publisher import Publisher
from tests.api.conftest import LiveApi

NOW = datetime.now(UTC).replace(microsecond=0)
WITHIN_SECONDS = 10


@asynccontextmanager
async def listener(live_api: LiveApi, *topics: str, path: str = "", **wanted: Any) -> AsyncIterator[ClientConnection]:
    """A client that has subscribed, each topic with `wanted`."""
    async with connect(live_api.websocket_url + path, proxy=None, max_size=None, close_timeout=1) as socket:
        for topic in topics:
            await say(socket, type="subscribe", topic=topic, **wanted)
        yield socket


async def say(socket: ClientConnection, **message: Any) -> None:
    await socket.send(json.dumps(message))


async def told(socket: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(WITHIN_SECONDS):
        message: dict[str, Any] = json.loads(await socket.recv())
    return message


async def items_until(socket: ClientConnection, last: float) -> list[dict[str, Any]]:
    """All items told up to a reading with the speed `last`."""
    found: list[dict[str, Any]] = []
    while not found or found[-1]["speed_kmh"] != last:
        found += (await told(socket))["items"]
    return found


async def publish(feed: Publisher, *events: Event) -> None:
    """Return once Kafka has them."""
    for event in events:
        await feed.publish(event)
    await feed.flush()


def sensor(name: str, **fields: Any) -> Sensor:
    return Sensor(external_id=f"test:{name}", name=name, **{"free_flow_speed_kmh": 60.0, **fields})


def reading(speed_kmh: float, name: str = "bridge", *, second: int = 0, **fields: Any) -> Reading:
    return Reading(sensor=f"test:{name}", time=NOW + timedelta(seconds=second), speed_kmh=speed_kmh, **fields)


def crash(number: int = 0, status: str = "reported", **fields: Any) -> Incident:
    return Incident(
        id=f"crash-{number}",
        time=NOW + timedelta(seconds=number),
        status=status,  # type: ignore[arg-type]
        kind="collision",
        severity="high",
        started_at=NOW - timedelta(minutes=10),
        **fields,
    )
