"""What every long-running part does alike: stop on SIGTERM or Ctrl-C, and serve its metrics on loopback."""

import asyncio
import signal
from collections.abc import Awaitable, Callable

from prometheus_client import start_http_server

from urbanclear import logs
from urbanclear.settings import Settings

LOOPBACK = "127.0.0.1"


def serve(part: Callable[[asyncio.Event], Awaitable[None]], settings: Settings) -> None:
    """Run `part` until it returns; the event it is given is set by SIGTERM and SIGINT."""
    logs.configure(settings)
    if settings.metrics_port is not None:
        start_http_server(settings.metrics_port, addr=LOOPBACK)
    asyncio.run(_until_stopped(part))


async def _until_stopped(part: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    await part(stop)
