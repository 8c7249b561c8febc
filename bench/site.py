"""What is measured: Kafka, a database and `urbanclear api` as processes, and clients as another."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final

import httpx
import psutil

from bench.database import fresh_database
from bench.ingest.broker import running_broker
from bench.running_stack import empty_folder
from schema.upgrade import upgrade
from urbanclear.embedded.ports import choose
from urbanclear.embedded.process import Process
from urbanclear.settings import LOOPBACK, Settings

Say = Callable[[str], None]
Prepare = Callable[[str], Awaitable[None]]
STOP_SECONDS: Final = 20
MOST_CLIENTS: Final = "20000"
_sources = count(2)


@dataclass(frozen=True)
class Site:
    """An API that answers, and the broker that it follows."""

    url: str
    bootstrap: str
    database_url: str
    process: Process
    say: Say

    @property
    def websocket_url(self) -> str:
        return self.url.replace("http", "ws", 1) + "/ws/traffic"

    def resident_kb(self) -> float:
        """Memory of the API's process, kB."""
        return float(psutil.Process(self.process.pid).memory_info().rss) / 1_024


@asynccontextmanager
async def running_site(settings: Settings, say: Say, prepare: Prepare | None = None) -> AsyncIterator[Site]:
    """A site of its own, gone on leaving; `prepare` fills its database."""
    say("starting Kafka, PostgreSQL and the API")
    async with (
        empty_folder() as folder,
        fresh_database(settings) as database_url,
        running_broker(folder, settings) as broker,
    ):
        await asyncio.to_thread(upgrade, database_url, settings)
        if prepare is not None:
            await prepare(database_url)
        async with _running_api(folder, database_url, broker.bootstrap, say) as site:
            yield site


@asynccontextmanager
async def without_sharing(site: Site) -> AsyncIterator[Site]:
    """Another API of the same site, that gives each asker an answer of its own."""
    async with (
        empty_folder() as folder,
        _running_api(folder, site.database_url, site.bootstrap, site.say, URBANCLEAR_SHARED_ANSWERS="0s") as other,
    ):
        yield other


@asynccontextmanager
async def _running_api(
    folder: Path, database_url: str, bootstrap: str, say: Say, **stated: str
) -> AsyncIterator[Site]:
    [port] = choose(1, [])
    env = {
        "URBANCLEAR_DATABASE_URL": database_url,
        "URBANCLEAR_KAFKA_BOOTSTRAP": bootstrap,
        "URBANCLEAR_API_PORT": str(port),
        "URBANCLEAR_OPEN_READS": "true",
        "URBANCLEAR_LIVE_CLIENTS": MOST_CLIENTS,
        "URBANCLEAR_LIVE_CLIENTS_PER_ADDRESS": MOST_CLIENTS,
        "URBANCLEAR_RATE_PER_ADDRESS": "1000000/second",
        **stated,
    }
    process = Process("api", [sys.executable, "-m", "urbanclear", "api"], folder / "api.log", env)
    site = Site(f"http://{LOOPBACK}:{port}", bootstrap, database_url, process, say)
    async with started(process, f"{site.url}/api/v1/websocket/status", "connected"):
        yield site


@asynccontextmanager
async def started(process: Process, url: str, field: str = "") -> AsyncIterator[None]:
    """Start `process`, wait until `url` answers, with `field` true where one is said; stop it on leaving."""
    process.start()
    try:
        async with httpx.AsyncClient(trust_env=False) as client:
            while not await _answers(client, url, field):
                if not process.running:
                    raise process.failure()
                await asyncio.sleep(0.1)
        yield
    finally:
        process.ask_to_stop()
        await asyncio.to_thread(process.wait, STOP_SECONDS)


async def _answers(client: httpx.AsyncClient, url: str, field: str) -> bool:
    try:
        answer = await client.get(url)
    except httpx.TransportError:
        return False
    return not field or bool(answer.status_code == httpx.codes.OK and answer.json()[field])


class Clients:
    """Clients in a process of their own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.ready = 0

    async def report(self) -> dict[str, Any]:
        """What they say next."""
        assert self._process.stdout is not None  # noqa: S101
        found: dict[str, Any] = json.loads(await self._process.stdout.readline())
        return found

    async def leave(self) -> dict[str, Any]:
        """Let them go; what they have seen."""
        assert self._process.stdin is not None  # noqa: S101
        self._process.stdin.close()
        return await self.report()


@asynccontextmanager
async def clients(url: str, number: int, **subscription: Any) -> AsyncIterator[Clients]:
    """So many clients that have their snapshot; each call takes a loopback address of its own, and so fresh ports."""
    said = json.dumps({"type": "subscribe", "topic": "traffic", **subscription})
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.websocket.load", url, str(number), f"127.0.0.{next(_sources)}", said),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=64 * 1024 * 1024,
    )
    try:
        held = Clients(process)
        held.ready = (await held.report())["ready"]
        yield held
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
