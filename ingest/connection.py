"""A connection to the database that is made when it is asked for, and anew after it broke."""

from collections.abc import Awaitable, Callable
from typing import Final

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow

from schema.database import APPLICATION, PATIENCE

Connected = psycopg.AsyncConnection[TupleRow]

RETRY_SECONDS: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Connection:
    """`get` it before each use. Not for use by two tasks at once."""

    def __init__(self, url: str, on_connect: Callable[[Connected], Awaitable[None]] | None = None) -> None:
        self._url = url
        self._on_connect = on_connect
        self._connection: Connected | None = None

    async def get(self) -> Connected:
        """The connection, in autocommit, made anew where there is none; raises one of `schema.database.AWAY`."""
        if self._connection is None or self._connection.closed:
            self._connection = await psycopg.AsyncConnection.connect(
                make_conninfo(self._url, application_name=APPLICATION, **PATIENCE), autocommit=True
            )
            if self._on_connect is not None:
                await self._on_connect(self._connection)
        return self._connection

    async def close(self) -> None:
        """Let go of it."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


def retry_seconds(attempt: int) -> float:
    """How long to wait after that many attempts in vain."""
    return RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)]
