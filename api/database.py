"""The API's way to the database: rows of a query as mappings, from a pool of read-only connections."""

from collections.abc import Sequence

from sqlalchemy import Executable, RowMapping
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from schema.database import APPLICATION, sqlalchemy_url

STATEMENT_TIMEOUT_MS = 30_000


class Database:
    """A pool. Opening it connects to nothing yet."""

    def __init__(self, url: str) -> None:
        options = f"-c default_transaction_read_only=on -c statement_timeout={STATEMENT_TIMEOUT_MS}"
        self._engine: AsyncEngine = create_async_engine(
            sqlalchemy_url(url),
            pool_size=10,
            pool_pre_ping=True,
            connect_args={"application_name": f"{APPLICATION}-api", "connect_timeout": 5, "options": options},
        )

    async def rows(self, statement: Executable) -> Sequence[RowMapping]:
        """All rows of `statement`; raises `sqlalchemy.exc.DBAPIError` when the database is away."""
        async with self._engine.connect() as connection:
            return (await connection.execute(statement)).mappings().all()

    async def close(self) -> None:
        """Close the pool."""
        await self._engine.dispose()
