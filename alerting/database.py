"""Alerting's way to the database: a pool, and transactions that only the process which leads can commit."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from schema.database import APPLICATION, sqlalchemy_url
from schema.tables import alert_leader
from urbanclear.errors import LeadershipLost

STATEMENT_TIMEOUT_MS: Final = 10_000
#: A process that is paused or cut off in a transaction does not keep others out for longer.
_IDLE_TIMEOUT_MS: Final = 5_000
_OPTIONS: Final = (
    f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c idle_in_transaction_session_timeout={_IDLE_TIMEOUT_MS} "
    f"-c tcp_user_timeout={_IDLE_TIMEOUT_MS} -c timezone=UTC"
)


def connected(url: str) -> AsyncEngine:
    """A pool of connections; it connects to nothing yet."""
    return create_async_engine(
        sqlalchemy_url(url),
        pool_size=8,
        pool_pre_ping=True,
        connect_args={"application_name": f"{APPLICATION}-alerting", "connect_timeout": 5, "options": _OPTIONS},
    )


@asynccontextmanager
async def leading(engine: AsyncEngine, epoch: int | None) -> AsyncIterator[AsyncConnection]:
    """A transaction of the process that leads since `epoch`; None is not held against who leads.

    Raises `LeadershipLost` where another does. Whoever takes over waits for it to end.
    """
    async with engine.begin() as connection:
        await require_lead(connection, epoch)
        yield connection


async def require_lead(connection: AsyncConnection, epoch: int | None) -> None:
    """Go on only while the process leads whose `epoch` it is, and hold that until the transaction's end."""
    if epoch is None:
        return
    mine = select(alert_leader.c.epoch).where(alert_leader.c.epoch == epoch).with_for_update(read=True)
    if await connection.scalar(mine) is None:
        raise LeadershipLost("Another alerting process leads now: this one stops.")
