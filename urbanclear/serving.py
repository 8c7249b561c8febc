"""What every long-running part does alike: stop on SIGTERM or Ctrl-C, and serve its metrics."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from aiokafka.errors import KafkaConnectionError
from prometheus_client import start_http_server

from urbanclear import logs, slo
from urbanclear.errors import StartError
from urbanclear.settings import Settings

T = TypeVar("T")


def serve(part: Callable[[asyncio.Event], Awaitable[None]], settings: Settings) -> None:
    """Run `part` until it returns; the event it is given is set by SIGTERM and SIGINT.

    Raises `StartError` when Kafka does not answer at the start; one that goes away later is waited for.
    """
    logs.configure(settings)
    serve_metrics(settings)
    asked(_until_stopped(part))


def serve_metrics(settings: Settings) -> None:
    """Serve /metrics where the settings name a port; raises `StartError` where it is taken or not of this machine."""
    slo.tell(settings)
    if settings.metrics_port is None:
        return
    try:
        start_http_server(settings.metrics_port, addr=settings.metrics_host)
    except OSError as error:
        raise StartError(
            f"Metrics cannot be served on {settings.metrics_host}:{settings.metrics_port} ({error.strerror}): change "
            "URBANCLEAR_METRICS_PORT or URBANCLEAR_METRICS_HOST."
        ) from error


def asked(question: Coroutine[Any, Any, T]) -> T:
    """Run what asks Kafka something, from its start to its end; raises `StartError` when Kafka does not answer."""
    try:
        return asyncio.run(question)
    except KafkaConnectionError as error:
        raise StartError(f"Kafka does not answer: check URBANCLEAR_KAFKA_BOOTSTRAP ({error}).") from error


async def stopped_within(stop: asyncio.Event, seconds: float) -> bool:
    """Wait for `stop`, no longer than `seconds`; whether it was set."""
    try:
        async with asyncio.timeout(seconds):
            return await stop.wait()
    except TimeoutError:
        return False


async def unless_stopped(work: Coroutine[object, object, None], stop: asyncio.Event) -> bool:
    """Do `work` until it is done or `stop` is set, which breaks it off; whether it was done."""
    working = asyncio.create_task(work)
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (working, stopping):
            task.cancel()
        await asyncio.wait({working, stopping})
    if working.cancelled():
        return False
    working.result()
    return True


async def _until_stopped(part: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    await part(stop)
