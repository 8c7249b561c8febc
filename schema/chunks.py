"""Partitions ready before rows arrive: what a writer of time series calls ahead of each batch."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection, Connection
from psycopg.errors import InvalidObjectDefinition

from schema.engines import Engine

_LOCK = 0x75726263_68756E6B  # an arbitrary key of our own for pg_advisory_xact_lock


class Chunks:
    """Knows which partitions exist, so that a batch costs nothing unless it opens a new one."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: set[str] = set()

    async def ensure(self, connection: AsyncConnection, table: str, times: Iterable[datetime]) -> None:
        """Make the partitions of `table` that rows of `times` need, in short transactions of their own.

        `connection` must be outside a transaction. Writers that need the same partition wait for one another.
        """
        for name, ddl in self._engine.partitions(table, times).items():
            if name not in self._known:
                await _make(connection, ddl)
                self._known.add(name)


def make_chunks(connection: Connection[Any], engine: Engine, table: str, times: Iterable[datetime]) -> None:
    """As `Chunks.ensure`, for a writer of one batch; `connection` commits by itself."""
    for ddl in engine.partitions(table, times).values():
        try:
            with connection.transaction():
                connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
                connection.execute(ddl.encode())
        except InvalidObjectDefinition:
            continue  # a wider partition, made by an earlier release, covers it


async def _make(connection: AsyncConnection, ddl: str) -> None:
    try:
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
            await connection.execute(ddl.encode())
    except InvalidObjectDefinition:
        return  # a wider partition, made by an earlier release, covers it
