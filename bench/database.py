"""A database of its own for a benchmark, on the server of the settings or on an embedded one that goes away."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg import AsyncConnection, sql

from bench.running_stack import empty_folder
from urbanclear.embedded.ports import choose
from urbanclear.embedded.postgres import Postgres
from urbanclear.settings import Settings


@asynccontextmanager
async def fresh_database(settings: Settings) -> AsyncIterator[str]:
    """The address of an empty database, dropped on leaving."""
    async with database_server(settings) as server_url, empty_database(server_url) as url:
        yield url


@asynccontextmanager
async def database_server(settings: Settings) -> AsyncIterator[str]:
    """The address of the server that the settings name, else of an embedded one that is gone on leaving."""
    if settings.database_url is not None:
        yield str(settings.database_url)
        return
    async with empty_folder() as folder:
        server = Postgres(folder / "postgres", choose(1, [])[0], folder / "postgres.log")
        await asyncio.to_thread(server.prepare)
        server.process.start()
        try:
            await asyncio.to_thread(server.wait_ready)
            yield server.url
        finally:
            server.process.ask_to_stop()
            await asyncio.to_thread(server.process.wait, 30)


@asynccontextmanager
async def empty_database(server_url: str) -> AsyncIterator[str]:
    """The address of an empty database on that server, dropped on leaving."""
    name = f"urbanclear_bench_{uuid.uuid4().hex[:8]}"
    async with await AsyncConnection.connect(server_url, autocommit=True) as admin:
        await admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield server_url.rsplit("/", 1)[0] + f"/{name}"
        finally:
            await admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
