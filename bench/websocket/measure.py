"""The figures of the live bridge, each the median of its rounds.

Messages of about 1 kB are published once a second to Kafka; the clients, in a process of their own on the same cores,
note when each reached the first and the last of them.
"""

import asyncio
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain
from statistics import median
from typing import Any, Final

import httpx

from bench.figures import Figure, figure, p99
from bench.site import Clients, Site, clients, running_site, started
from schema.events import Reading
from schema.publisher import Publisher, open_publisher
from urbanclear.embedded.ports import choose
from urbanclear.embedded.process import Process
from urbanclear.settings import LOOPBACK, Settings

Say = Callable[[str], None]

SENSORS: Final = ("bench:12", "bench:31", "bench:40", "bench:41")
"""Of one partition, so that a poll is one message in Kafka; as items of an update they are about 1 kB."""
WALL: Final = tuple(f"wall:{number}" for number in range(1_000))
SLOW_CLIENTS: Final = 10
SLOW_PER_SECOND: Final = 8
SLOW_TURN_SECONDS: Final = 4
RELAXED_SECONDS: Final = 1.5


@dataclass(frozen=True)
class Plan:
    """How much is done."""

    clients: int
    seconds: int
    rounds: int


FULL: Final = Plan(10_000, 8, 3)
QUICK: Final = Plan(300, 3, 1)


async def measure(settings: Settings, plan: Plan, say: Say) -> list[Figure]:
    """All figures."""
    async with running_site(settings, say) as site, open_publisher(site.bootstrap, linger_ms=0) as publisher:
        idle = await _kb_per_idle_client(site, plan)  # once: what clients leave behind is used again by the next
        few = [await _round(site, publisher, min(1_000, plan.clients), plan) for _ in range(plan.rounds)]
        many = [await _round(site, publisher, plan.clients, plan) for _ in range(plan.rounds)]
        slow = [await _slow(site, publisher, plan) for _ in range(plan.rounds)]
    bare = [await _bare(settings, plan, say) for _ in range(plan.rounds)]
    return [
        figure("ws_clients_held", "clients", [one.held for one in many]),
        figure("ws_p99_ms_1000", "ms", [one.p99_ms for one in few]),
        figure(f"ws_p99_ms_{plan.clients}", "ms", [one.p99_ms for one in many]),
        figure("ws_kb_per_idle_client", "kB", [idle]),
        _slow_figure(slow),
        figure("ws_messages_per_s", "messages/s", [one.rate for one in many], [one.rate for one in bare]),
    ]


@dataclass(frozen=True)
class Round:
    """What clients saw: how many were there to the end, p99 to the last of them, messages a second while telling."""

    held: float
    p99_ms: float
    rate: float


async def _kb_per_idle_client(site: Site, plan: Plan) -> float:
    before = site.resident_kb()
    async with clients(site.websocket_url, plan.clients, interval=1.0) as held:
        grown = site.resident_kb() - before
        site.say(f"{held.ready:,} idle clients: {grown / plan.clients:.1f} kB each")
    return grown / plan.clients


async def _round(site: Site, publisher: Publisher, count: int, plan: Plan) -> Round:
    async with clients(site.websocket_url, count, interval=0.1) as held:
        site.say(f"{held.ready:,} clients are told once a second")
        published = await _publish(publisher, SENSORS, plan.seconds, 1.0)
        await asyncio.sleep(RELAXED_SECONDS)
        return _seen(await held.leave(), published, held)


async def _slow(site: Site, publisher: Publisher, plan: Plan) -> tuple[list[float], list[float]]:
    """How long each message took to the last of some clients with one that never reads, and without, in turns; ms."""
    published: dict[bool, dict[str, float]] = {True: {}, False: {}}
    async with clients(site.websocket_url, SLOW_CLIENTS, interval=0.1) as held:
        for turn in range(plan.seconds * 2):
            stalled = turn % 2 == 1
            site.say(f"a city of 1,000 sensors, {'one client does not read' if stalled else 'all clients read'}")
            writer = await _never_reading(site) if stalled else None
            published[stalled] |= await _publish(publisher, WALL, SLOW_TURN_SECONDS, 1 / SLOW_PER_SECOND)
            if writer is not None:
                writer.transport.abort()
        await asyncio.sleep(RELAXED_SECONDS)
        report = await held.leave()
    return _last_ms(report, published[True]), _last_ms(report, published[False])


def _slow_figure(rounds: list[tuple[list[float], list[float]]]) -> Figure:
    """Of the messages of all rounds, as the slowest hundredth of one round is a handful; and of each round."""
    with_slow, without = (list(chain.from_iterable(part)) for part in zip(*rounds, strict=True))
    each = figure("ws_slow_client_ratio", "ratio", [p99(stalled) / p99(free) for stalled, free in rounds])
    return replace(each, value=round(p99(with_slow) / p99(without), 4))


async def _never_reading(site: Site) -> asyncio.StreamWriter:
    """A client that subscribes and takes nothing."""
    from bench.websocket.load import masked

    host, port = site.url.removeprefix("http://").split(":")
    asked = socket.create_connection((host, int(port)))
    asked.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)  # full before long
    reader, writer = await asyncio.open_connection(sock=asked, limit=1_024)
    writer.write(
        b"GET /ws/traffic HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    await reader.readuntil(b"\r\n\r\n")
    writer.write(masked(0x81, b'{"type":"subscribe","topic":"traffic","interval":0.1}'))
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    return writer


async def _publish(publisher: Publisher, sensors: tuple[str, ...], seconds: int, every_s: float) -> dict[str, float]:
    """A poll of the sensors again and again; when each was handed over, by its time as clients see it."""
    published = {}
    for number in range(round(seconds / every_s)):
        begun = time.time()
        at = datetime.now(UTC)
        poll = [
            Reading(sensor=sensor, time=at, speed_kmh=20.0 + number % 60, volume_vph=1200.0) for sensor in sensors
        ]
        published[at.isoformat().replace("+00:00", "Z")] = time.time()
        await publisher.publish_readings(poll)
        await asyncio.sleep(max(0.0, every_s - (time.time() - begun)))
    return published


def _seen(report: dict[str, Any], published: dict[str, float], held: Clients) -> Round:
    arrived = [seen for name, seen in report["messages"].items() if name in published]
    rates = [count / (last - first) for count, first, last in arrived if last > first]
    return Round(held.ready - report["lost"], p99(_last_ms(report, published)), median(rates))


def _last_ms(report: dict[str, Any], published: dict[str, float]) -> list[float]:
    seen = report["messages"]
    return [(seen[name][2] - at) * 1_000 for name, at in published.items() if name in seen]


async def _bare(settings: Settings, plan: Plan, say: Say) -> Round:
    """The same bytes to as many clients by Starlette's own means."""
    from bench.running_stack import empty_folder

    [port] = choose(1, [])
    url = f"http://{LOOPBACK}:{port}"
    async with empty_folder() as folder, httpx.AsyncClient(trust_env=False, timeout=60) as client:
        process = Process("bare", [sys.executable, "-m", "bench.websocket.bare", str(port)], folder / "bare.log")
        async with (
            started(process, url),
            clients(f"ws://{LOOPBACK}:{port}/ws", plan.clients) as held,
        ):
            say(f"{held.ready:,} clients of the bare part")
            published = {}
            for number in range(plan.seconds):
                at = f"2026-03-02T12:{number // 60:02}:{number % 60:02}.000000Z"
                published[at] = time.time()
                await client.post(url, content=_message(at))
                await asyncio.sleep(max(0.0, 1.0 - (time.time() - published[at])))
            return _seen(await held.leave(), published, held)


def _message(at: str) -> str:
    """As long as an update of ours."""
    item = (
        f'{{"sensor":"bench:1","time":"{at}","speed_kmh":20.0,"volume_vph":1200.0,"occupancy":null,'
        f'"travel_time_s":null,"free_flow_speed_kmh":null,"speed_ratio":null,"los":null}}'
    )
    head = f'{{"type":"update","topic":"traffic","cursor":"{"c" * 80}","items":['
    return head + ",".join([item] * len(SENSORS)) + "]}"
