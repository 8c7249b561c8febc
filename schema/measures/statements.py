"""The SQL of this folder, by name."""

from datetime import timedelta
from importlib.resources import files
from typing import Any, Final, TypeVar

from psycopg import AsyncConnection
from psycopg.rows import AsyncRowFactory

Row = TypeVar("Row")

LONGEST_SEARCH: Final = timedelta(minutes=1)
"""What is to be computed is looked for so long, then at the next turn again. While a first history is filled in, the
server may plan by tables that were all but empty a minute ago, and such a plan does not end."""


def statement(name: str) -> bytes:
    """The content of `<name>.sql`."""
    return files(__package__).joinpath(f"{name}.sql").read_bytes()


async def search(
    connection: AsyncConnection[Any], name: str, values: dict[str, Any], row_factory: AsyncRowFactory[Row]
) -> list[Row]:
    """What a statement finds; raises `psycopg.errors.QueryCanceled` where that takes longer than `LONGEST_SEARCH`."""
    limit = f"{LONGEST_SEARCH.total_seconds() * 1000:.0f}"
    async with connection.transaction(), connection.cursor(row_factory=row_factory) as cursor:
        await cursor.execute("SELECT set_config('statement_timeout', %s, true)", [limit])
        await cursor.execute(statement(name), values)
        return await cursor.fetchall()
