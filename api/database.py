"""The API's way to the database: a pool of connections that can only read, for short answers and for long streams."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from fastapi import HTTPException
from sqlalchemy import BindParameter, CursorResult, Executable, Integer, Row, RowMapping, bindparam
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from schema.database import APPLICATION, sqlalchemy_url

STATEMENT_TIMEOUT_MS: Final = 30_000
STREAMS: Final = 4  # at once; each keeps a connection for as long as its client takes to read
BATCH_ROWS: Final = 10_000


def at_most(rows: int) -> BindParameter[int]:
    """For `Select.limit`: the number itself in the statement, as a plan for any number expects far more rows."""
    return bindparam("at_most", rows, Integer, literal_execute=True)


class Database:
    """Pools, of which one is for streams. Opening them connects to nothing yet.

    All methods raise `sqlalchemy.exc.DBAPIError` when the database is away, or the statement takes too long.
    """

    def __init__(self, url: str) -> None:
        options = f"-c default_transaction_read_only=on -c statement_timeout={STATEMENT_TIMEOUT_MS} -c timezone=UTC"
        connecting = {"application_name": f"{APPLICATION}-api", "connect_timeout": 5, "options": options}
        self._engine: AsyncEngine = create_async_engine(
            sqlalchemy_url(url), pool_size=10, max_overflow=0, isolation_level="AUTOCOMMIT", connect_args=connecting
        )
        self._streaming: AsyncEngine = create_async_engine(
            sqlalchemy_url(url), pool_size=STREAMS, pool_pre_ping=True, connect_args=connecting
        )
        self._streams = 0

    async def rows(self, statement: Executable) -> Sequence[RowMapping]:
        """All rows of `statement`, by name."""
        return (await self._run(statement)).mappings().all()

    async def tuples(self, statement: Executable) -> Sequence[Row[Any]]:
        """All rows of `statement`, by place."""
        return (await self._run(statement)).all()

    async def value(self, statement: Executable) -> Any:
        """The first column of the first row; None where there is none."""
        return (await self._run(statement)).scalar()

    async def batches(self, statement: Executable) -> AsyncIterator[Sequence[Row[Any]]]:
        """The rows of `statement`, some thousands at a time, in memory that does not grow with their number.

        Raises `HTTPException` 503 where as many streams as are allowed are under way.
        """
        if self._streams >= STREAMS:
            detail = f"{STREAMS} exports are under way: try again when one has ended."
            raise HTTPException(503, detail, {"Retry-After": "30"})
        self._streams += 1
        try:
            async with self._streaming.connect() as connection:
                result = await connection.stream(statement, execution_options={"yield_per": BATCH_ROWS})
                async for batch in result.partitions():
                    yield batch
        finally:
            self._streams -= 1

    async def close(self) -> None:
        """Close the pools."""
        await asyncio.shield(asyncio.gather(self._engine.dispose(), self._streaming.dispose()))

    async def _run(self, statement: Executable) -> CursorResult[Any]:
        """Once more where a connection of the pool turns out to be dead: all others then are made anew as well."""
        try:
            return await self._run_once(statement)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            return await self._run_once(statement)

    async def _run_once(self, statement: Executable) -> CursorResult[Any]:
        async with self._engine.connect() as connection:
            return await connection.execute(statement)
