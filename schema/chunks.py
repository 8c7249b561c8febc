"""Chunks ready before rows arrive: what a writer of time series calls ahead of each batch."""

from collections.abc import Iterable
from datetime import datetime

from psycopg import AsyncConnection
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from schema.database import sqlalchemy_url
from schema.engines import Engine, detect

_LOCK = 0x75726263_68756E6B  # an arbitrary key of our own for pg_advisory_xact_lock


class Chunks:
    """Knows which chunks exist, so that a batch costs nothing unless it opens a new one."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: set[str] = set()

    async def ensure(self, connection: AsyncConnection, table: str, times: Iterable[datetime]) -> None:
        """Make the chunks of `table` that rows of `times` need, in a short transaction of its own.

        `connection` must be outside a transaction. Writers that need the same chunk wait for one another.
        """
        wanted = self._engine.chunks_to_make(table, times)
        missing = {name: ddl for name, ddl in wanted.items() if name not in self._known}
        if not missing:
            return
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
            for ddl in missing.values():
                await connection.execute(ddl.encode())
        self._known.update(missing)


def detect_engine(database_url: str) -> Engine:
    """The engine of the server at `database_url`."""
    sync = create_engine(sqlalchemy_url(database_url), poolclass=NullPool)
    with sync.connect() as connection:
        return detect(connection)
