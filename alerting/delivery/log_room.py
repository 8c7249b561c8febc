"""Room in the log: the partition of `notification_log` that attempts go into, made before they are noted."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import psycopg
from psycopg.conninfo import make_conninfo

from schema.chunks import Chunks
from schema.database import APPLICATION, PATIENCE
from schema.engines import Engine, engine_of
from schema.tables import notification_log


class LogRoom:
    """Asks the database only when a time needs a partition that is not known to be there."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._engine: Engine | None = None
        self._known: set[str] = set()

    async def ensure(self, times: Sequence[datetime]) -> None:
        """Raises `psycopg.Error` when the database is away."""
        if self._engine is None:
            self._engine = await asyncio.to_thread(engine_of, self._url)
        wanted = self._engine.partitions(notification_log.name, times)
        if wanted.keys() <= self._known:
            return
        async with await psycopg.AsyncConnection.connect(
            make_conninfo(self._url, **PATIENCE), autocommit=True, application_name=APPLICATION
        ) as connection:
            await Chunks(self._engine).ensure(connection, notification_log.name, times)
        self._known |= wanted.keys()
