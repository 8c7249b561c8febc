"""How the API is served: uvicorn, with what keeps one client from being in the way of others."""

import gc
from socket import socket
from typing import Final

import uvicorn
from fastapi import FastAPI

from api.connection import Connection
from api.live.hub import Hub
from api.live.wire import FrameProtocol
from urbanclear.settings import Settings

SHUTDOWN_SECONDS: Final = 5
KEEP_ALIVE_SECONDS: Final = 15
BACKLOG: Final = 4_096
HTTP_CONNECTIONS: Final = 4_000
"""Beside the live ones; a request beyond them all is answered with 503."""


class Server(uvicorn.Server):
    """uvicorn's, which would wait for event streams, that never end by themselves."""

    def __init__(self, config: uvicorn.Config, hub: Hub) -> None:
        super().__init__(config)
        self._hub = hub

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        gc.collect()
        gc.freeze()  # what is there for good need not be looked through again and again

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        self._hub.end_streams()
        await super().shutdown(sockets)


def server_of(app: FastAPI, settings: Settings, port: int | None = None) -> Server:
    """A server of `app` on the settings' host and port."""
    ping = settings.live_ping.total_seconds()
    config = uvicorn.Config(
        app,
        host=settings.api_host,
        port=settings.api_port if port is None else port,
        log_config=None,
        access_log=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        lifespan="on",
        http=Connection,
        limit_concurrency=settings.live_clients + HTTP_CONNECTIONS,
        ws=FrameProtocol,
        ws_max_size=settings.live_message_bytes,
        ws_per_message_deflate=False,
        ws_ping_interval=ping,
        ws_ping_timeout=ping,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    return Server(config, app.state.hub)
