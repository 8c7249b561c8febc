"""Where the faults happen: PostgreSQL and Kafka on small disks, ingest processes behind proxies, all kept running."""

import asyncio
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sqlalchemy import make_url

from bench.chaos.broker import Door, ManyDoors
from bench.chaos.child import Child, keep
from bench.chaos.disk import MIB, Disk
from bench.chaos.proxy import Proxy
from bench.database import empty_database
from schema.admin import create_topics
from schema.upgrade import upgrade
from urbanclear.embedded.jars import resolve
from urbanclear.embedded.java import find_java
from urbanclear.embedded.ports import choose
from urbanclear.embedded.postgres import Postgres
from urbanclear.embedded.process import Process
from urbanclear.settings import FOREVER, LOOPBACK, Settings

DISK_BYTES: Final = 1_536 * MIB
STOP_SECONDS: Final = 10.0
GROUP: Final = "chaos"


@dataclass(frozen=True)
class Slot:
    """An ingest process and the proxies between it and the servers."""

    ingest: Child
    to_kafka: Proxy
    to_postgres: Proxy


@dataclass
class Site:
    """All of it, running; `spares` are ingest processes that are not, until a fault starts them."""

    folder: Path
    database_url: str
    bootstrap: str
    kafka: Child
    postgres: Child | None  # None: a server of the user's, which is left alone
    kafka_disk: Disk
    postgres_disk: Disk | None
    slots: list[Slot]
    spares: list[Slot]
    locks: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    @property
    def children(self) -> list[Child]:
        """Every process of it."""
        servers = [self.kafka] if self.postgres is None else [self.kafka, self.postgres]
        return [*servers, *(slot.ingest for slot in [*self.slots, *self.spares])]

    async def stop_ingest(self) -> None:
        """Ask every ingest process to stop, and wait for them."""
        going = [slot.ingest for slot in [*self.slots, *self.spares]]
        for child in going:
            child.ask_to_stop()
        await asyncio.gather(*(asyncio.to_thread(child.process.wait, STOP_SECONDS) for child in going))


@asynccontextmanager
async def running_site(folder: Path, settings: Settings, ingests: int, keep_disks: bool) -> AsyncIterator[Site]:
    """Start everything in `folder`, and stop it on leaving; `keep_disks` leaves the servers' disks mounted."""
    async with AsyncExitStack() as stack:
        postgres, disk, url = await _postgres(stack, folder, settings, keep_disks)
        kafka_disk = _mounted(stack, folder / "kafka-disk", keep_disks)
        doors = choose(ingests + 1, [])
        proxies = [await _proxies(stack, port, url) for port in doors]
        kafka = _kafka(folder, settings, [Door(port, to.port) for port, (to, _) in zip(doors, proxies, strict=True)])
        stack.enter_context(_stopped(kafka.process))
        kafka.process.start()
        await kafka.wait_ready()
        await create_topics(kafka.bootstrap, settings)
        await asyncio.to_thread(upgrade, url, settings)
        slots = [_slot(folder, number, url, *pair) for number, pair in enumerate(proxies)]
        for slot in slots:
            stack.enter_context(_stopped(slot.ingest.process))
        slots[-1].ingest.wanted = False
        site = Site(
            folder=folder,
            database_url=url,
            bootstrap=kafka.bootstrap,
            kafka=Child(kafka.process),
            postgres=None if postgres is None else Child(postgres.process),
            kafka_disk=kafka_disk,
            postgres_disk=disk,
            slots=slots[:-1],
            spares=slots[-1:],
        )
        keeping = asyncio.create_task(keep(site.children))
        try:
            yield site
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)


async def _postgres(
    stack: AsyncExitStack, folder: Path, settings: Settings, keep_disks: bool
) -> tuple[Postgres | None, Disk | None, str]:
    """The server of the settings with a database of our own on it, or else an embedded one and its disk."""
    if settings.database_url is not None:
        given = settings.database_url.unicode_string()
        return None, None, await stack.enter_async_context(empty_database(given))
    disk = _mounted(stack, folder / "postgres-disk", keep_disks)
    server = Postgres(disk.folder / "postgres", choose(1, [])[0], folder / "postgres.log")
    await asyncio.to_thread(server.prepare)
    stack.enter_context(_stopped(server.process))
    server.process.start()
    await asyncio.to_thread(server.wait_ready)
    return server, disk, server.url


def _kafka(folder: Path, settings: Settings, doors: list[Door]) -> ManyDoors:
    port, controller = choose(2, [])
    jars = resolve("kafka", settings)
    place, log = folder / "kafka-disk" / "kafka", folder / "kafka.log"
    server = ManyDoors(place, (port, controller), log, find_java(), jars, doors)
    server.prepare()
    return server


async def _proxies(stack: AsyncExitStack, kafka_port: int, database_url: str) -> tuple[Proxy, Proxy]:
    url = make_url(database_url)
    both = Proxy((LOOPBACK, kafka_port)), Proxy((url.host or LOOPBACK, url.port or 5432))
    for proxy in both:
        await proxy.start()
        stack.push_async_callback(proxy.close)
    return both


def _slot(folder: Path, number: int, database_url: str, to_kafka: Proxy, to_postgres: Proxy) -> Slot:
    url = make_url(database_url).set(host=LOOPBACK, port=to_postgres.port)
    env = {
        "URBANCLEAR_DATABASE_URL": url.render_as_string(hide_password=False),
        "URBANCLEAR_KAFKA_BOOTSTRAP": f"{LOOPBACK}:{to_kafka.port}",
        "URBANCLEAR_DATA_DIR": str(folder),
        "URBANCLEAR_INGEST_GROUP": GROUP,
        "URBANCLEAR_READINGS_RETENTION": FOREVER,
        "URBANCLEAR_ROLLUPS_5M_RETENTION": FOREVER,
        "TYPER_STANDARD_TRACEBACK": "1",  # closes with the error
    }
    name = f"ingest-{number}"
    command = [sys.executable, "-m", "urbanclear", "ingest"]
    return Slot(Child(Process(name, command, folder / f"{name}.log", env)), to_kafka, to_postgres)


def _mounted(stack: ExitStack | AsyncExitStack, folder: Path, keep_it: bool) -> Disk:
    disk = Disk(folder, DISK_BYTES)
    disk.mount()
    if not keep_it:
        stack.callback(disk.unmount)
    return disk


@contextmanager
def _stopped(process: Process) -> Iterator[None]:
    """Stopped on leaving, gently first."""
    try:
        yield
    finally:
        process.ask_to_stop()
        process.wait(STOP_SECONDS)
