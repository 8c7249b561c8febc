"""Waiting for a condition instead of a time."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import psycopg

WAIT_SECONDS = 30.0


async def until(
    condition: Callable[[], Awaitable[object]], *, timeout: float = WAIT_SECONDS, what: str = "the condition"
) -> None:
    """Return once `condition` is true; fail with `what` after `timeout` seconds."""
    end = time.monotonic() + timeout
    while not await condition():
        assert time.monotonic() < end, f"{what} did not come true within {timeout} s"
        await asyncio.sleep(0.02)


async def until_query(database_url: str, query: str, expected: object, *, timeout: float = WAIT_SECONDS) -> None:
    """Return once the first column of `query`'s first row is `expected`; fail, showing it, after `timeout`."""
    found: object = None

    async def matches() -> bool:
        nonlocal found
        found = await fetch_one(database_url, query)
        return found == expected

    try:
        await until(matches, timeout=timeout, what=query)
    except AssertionError:
        raise AssertionError(f"{query!r} is {found!r}, not {expected!r}, after {timeout} s") from None


async def fetch_one(database_url: str, query: str) -> object:
    """The first column of the first row."""
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        row = await (await connection.execute(query.encode())).fetchone()
    return row[0] if row else None
