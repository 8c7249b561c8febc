"""Where the API itself writes, such as keys, the audit log and what people say of alerts: connections of their own,
which no long answer fills."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from sqlalchemy import Executable, RowMapping
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from schema.database import APPLICATION, sqlalchemy_url

STATEMENT_TIMEOUT_MS: Final = 5_000
CONNECT_SECONDS: Final = 3
#: What is raised when the database is away.
AWAY: Final = (DBAPIError, NoConnection, OSError)


class Store:
    """A small pool. Opening it connects to nothing yet."""

    def __init__(self, url: str) -> None:
        self._engine: AsyncEngine = create_async_engine(
            sqlalchemy_url(url),
            pool_size=2,
            max_overflow=0,
            pool_timeout=CONNECT_SECONDS,
            pool_pre_ping=True,
            connect_args={
                "application_name": f"{APPLICATION}-api-access",
                "connect_timeout": CONNECT_SECONDS,
                "options": f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c timezone=UTC",
            },
        )

    async def rows(self, statement: Executable) -> Sequence[RowMapping]:
        """What `statement` returns, committed; raises one of `AWAY` when the database is."""
        async with self._engine.begin() as connection:
            return (await connection.execute(statement)).mappings().all()

    async def write(self, statement: Executable, values: Sequence[Mapping[str, Any]]) -> None:
        """Run `statement` for each of `values`, in one transaction; raises one of `AWAY`."""
        async with self._engine.begin() as connection:
            await connection.execute(statement, values)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """What is run within is committed together, or not at all; raises one of `AWAY`."""
        async with self._engine.begin() as connection:
            yield connection

    async def close(self) -> None:
        """Close the pool."""
        await self._engine.dispose()
