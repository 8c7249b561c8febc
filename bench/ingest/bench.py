"""What all figures of ingest are measured in: one broker, one database server, a fresh database each time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from psycopg import AsyncConnection, sql
from psycopg.rows import scalar_row

from bench.database import database_server, empty_database
from bench.ingest.broker import Broker, running_broker
from bench.ingest.load import INSERT_SENSORS, Load
from bench.running_stack import empty_folder
from schema.chunks import Chunks
from schema.engines import engine_of
from schema.upgrade import upgrade
from urbanclear.errors import UrbanclearError
from urbanclear.settings import Settings


@dataclass(frozen=True)
class Bench:
    """The servers of a run. Nothing that it stores is too old to be kept."""

    settings: Settings
    broker: Broker
    server_url: str
    folder: Path
    say: Callable[[str], None]

    @asynccontextmanager
    async def database(self) -> AsyncIterator[str]:
        """The address of a new database with the newest schema."""
        async with empty_database(self.server_url) as url:
            await asyncio.to_thread(upgrade, url, self.settings)
            yield url

    @asynccontextmanager
    async def ready_database(self, load: Load) -> AsyncIterator[str]:
        """As `database`, with what ingest makes by itself: the sensors, and chunks for the load."""
        async with self.database() as url, await AsyncConnection.connect(url, autocommit=True) as connection:
            await connection.execute(INSERT_SENSORS.encode())
            await Chunks(await asyncio.to_thread(engine_of, url)).ensure(connection, "readings", load.times())
            yield url

    @asynccontextmanager
    async def outage(self, url: str) -> AsyncIterator[None]:
        """Meanwhile the database ends all sessions and takes no new one."""
        name = url.rsplit("/", 1)[1]
        alter = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
        async with await AsyncConnection.connect(self.server_url, autocommit=True) as admin:
            await admin.execute(alter.format(sql.Identifier(name), False))
            await admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = %s AND backend_type = 'client backend'",
                [name],
            )
            try:
                yield
            finally:
                await admin.execute(alter.format(sql.Identifier(name), True))


@asynccontextmanager
async def running_bench(settings: Settings, say: Callable[[str], None]) -> AsyncIterator[Bench]:
    """Both servers, gone on leaving; the database is the settings' where they name one."""
    kept = settings.keeping_forever()
    async with (
        empty_folder() as folder,
        running_broker(folder, kept) as broker,
        database_server(kept) as server_url,
    ):
        yield Bench(kept, broker, server_url, folder, say)


async def verify(url: str, rows: int) -> int:
    """`rows`, after counting that so many readings are stored; raises `UrbanclearError` where they are not."""
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        cursor = connection.cursor(row_factory=scalar_row)
        await cursor.execute("SELECT count(*) FROM readings")
        stored = await cursor.fetchone()
    if stored != rows:
        raise UrbanclearError(f"{stored} readings are stored instead of {rows}: do not trust figures of this run.")
    return rows
