"""Runs ingest in this process for the length of a test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ingest.consumer import Consumer
from urbanclear.settings import Settings


@asynccontextmanager
async def running_consumer(settings: Settings) -> AsyncIterator[asyncio.Task[None]]:
    """A consumer in a task; stopped, and its errors raised, on leaving."""
    stop = asyncio.Event()
    task = asyncio.create_task(Consumer(settings).run(stop))
    try:
        yield task
    finally:
        stop.set()
        await task
