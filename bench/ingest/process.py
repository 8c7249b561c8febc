"""`urbanclear ingest` as a process: started on a bench's servers as a user would, its memory watched, stopped."""

import asyncio
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

import psutil

from bench.ingest.bench import Bench
from bench.processes import rss_bytes
from urbanclear.embedded.process import Process
from urbanclear.settings import RETENTIONS, as_text

WATCH_SECONDS: Final = 0.1
STOP_SECONDS: Final = 20


@dataclass
class Ingest:
    """A consumer group of its own, of one process; `peak_bytes` is the most memory it has had resident."""

    process: Process
    group: str
    peak_bytes: int = 0


def new_ingest(bench: Bench, url: str) -> Ingest:
    """Not started yet."""
    group = f"bench-{uuid.uuid4().hex[:8]}"
    kept = {name: getattr(bench.settings, name) for name in RETENTIONS}
    env = {
        "URBANCLEAR_DATABASE_URL": url,
        "URBANCLEAR_KAFKA_BOOTSTRAP": bench.broker.bootstrap,
        "URBANCLEAR_INGEST_GROUP": group,
        **{f"URBANCLEAR_{name.upper()}": as_text(value) for name, value in kept.items()},
    }
    command = [sys.executable, "-m", "urbanclear", "ingest"]
    return Ingest(Process("ingest", command, bench.folder / "ingest.log", env), group)


@asynccontextmanager
async def running(ingest: Ingest) -> AsyncIterator[None]:
    """Start it, and stop it on leaving."""
    async with started(ingest.process):
        watching = asyncio.create_task(_watch_memory(ingest))
        try:
            yield
        finally:
            watching.cancel()


@asynccontextmanager
async def started(process: Process) -> AsyncIterator[None]:
    """Start `process`, and stop it on leaving."""
    process.start()
    try:
        yield
    finally:
        process.ask_to_stop()
        await asyncio.to_thread(process.wait, STOP_SECONDS)


async def _watch_memory(ingest: Ingest) -> None:
    with suppress(psutil.NoSuchProcess):  # its end is noticed by whoever waits for its rows
        root = psutil.Process(ingest.process.pid)
        while True:
            family = [root, *root.children(recursive=True)]
            ingest.peak_bytes = max(ingest.peak_bytes, sum(map(rss_bytes, family)))
            await asyncio.sleep(WATCH_SECONDS)
