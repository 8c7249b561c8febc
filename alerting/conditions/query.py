"""An analyst's query, asked so that it can read what analysts may read and do nothing else.

It is asked as the role `urbanclear_analyst`, read only, no longer than its timeout and for `MOST_ROWS` rows, by the
protocol that takes one statement only. A role that was put on can also be taken off by a function, so first,
once for each query, PostgreSQL is asked which functions it calls: none may be volatile. For that the query is made a
temporary view, which is never read and is gone when the transaction or savepoint is rolled back. Only then is it
planned as the analyst, which tells what the analyst may not read without reading anything.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from psycopg import AsyncConnection as Driver
from psycopg import Error, sql
from psycopg.errors import InsufficientPrivilege, QueryCanceled
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.conditions.statements import statement
from schema.alerting.rules import Query
from schema.alerting.words import duration_text
from schema.analyst import ROLE
from urbanclear.errors import ConfigurationError

MOST_ROWS: Final = 10_000
LONGEST_TEXT: Final = 200
KNOWN: Final = ("subject", "value", "name")
_MOST_KEPT: Final = 1_000

_LIMITS: Final = text(
    "SELECT set_config('statement_timeout', :milliseconds, true), set_config('lock_timeout', :milliseconds, true), "
    "set_config('max_parallel_workers_per_gather', '0', true), set_config('transaction_read_only', 'on', true), "
    "set_config('role', :role, true)"
)
_TIMEOUT: Final = text("SELECT set_config('statement_timeout', :milliseconds, true)")
_VIEW: Final = sql.SQL("CREATE TEMPORARY VIEW urbanclear_asked AS\n{}")

_checked: dict[str, tuple[str, ...]] = {}


async def ask(connection: AsyncConnection, when: Query) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """The columns, in the order subject, value, name, others, and the rows: `value` a float, all else text.

    Raises `ConfigurationError` with the database's own words where the query is wrong or takes too long.
    """
    columns = _checked.get(when.query)
    if columns is None:
        columns = await check(connection, when)
    missing = {"subject", *(["value"] if when.bounds is not None else [])}.difference(columns)
    if missing:
        raise ConfigurationError(f"The query has no column {' and '.join(sorted(missing))}: name one so, with AS.")
    try:
        async with _as_analyst(connection, when) as driver:
            cursor = await driver.cursor(binary=True).execute(_statement(when.query, columns))
            rows = await cursor.fetchall()
    except ConfigurationError:
        _checked.pop(when.query, None)
        raise
    if len(rows) > MOST_ROWS:
        raise ConfigurationError(f"The query returns more than {MOST_ROWS:,} rows: let it return fewer subjects.")
    return columns, rows


async def check(connection: AsyncConnection, when: Query) -> tuple[str, ...]:
    """The query's columns, those that are known first; raises `ConfigurationError` for one that may not be asked."""
    async with _undone(connection, when) as driver:
        await connection.execute(_TIMEOUT, {"milliseconds": _milliseconds(when)})
        view = _VIEW.format(sql.SQL(_bare(when.query)))
        await driver.cursor(binary=True).execute(view)
        found = list((await connection.execute(statement("query_columns"))).scalars())
        forbidden = list((await connection.execute(statement("query_functions"))).scalars())
    if forbidden:
        raise ConfigurationError(
            f"The query calls {', '.join(forbidden)}, which PostgreSQL calls volatile: use only functions that "
            f"change nothing and give the same answer within a query, such as now()."
        )
    columns = (*(name for name in KNOWN if name in found), *(name for name in found if name not in KNOWN))
    async with _as_analyst(connection, when) as driver:
        await driver.execute(sql.SQL("EXPLAIN {}").format(_statement(when.query, columns)))
    if len(_checked) >= _MOST_KEPT:
        _checked.clear()
    _checked[when.query] = columns
    return columns


@asynccontextmanager
async def _as_analyst(connection: AsyncConnection, when: Query) -> AsyncIterator[Driver[Any]]:
    async with _undone(connection, when) as driver:
        await connection.execute(_LIMITS, {"milliseconds": _milliseconds(when), "role": ROLE})
        yield driver


@asynccontextmanager
async def _undone(connection: AsyncConnection, when: Query) -> AsyncIterator[Driver[Any]]:
    """The driver's connection; whatever is done and set within is undone, and what is wrong is said in a sentence."""
    driver = (await connection.get_raw_connection()).driver_connection
    assert isinstance(driver, Driver)  # noqa: S101
    try:
        async with driver.transaction(force_rollback=True):
            yield driver
    except Error as error:
        if error.sqlstate is None or error.sqlstate.startswith(("08", "57P")):
            raise  # the server is away
        raise ConfigurationError(_sentence(error, when)) from error


def _sentence(error: Error, when: Query) -> str:
    if isinstance(error, QueryCanceled):
        return f"The query takes longer than its timeout of {duration_text(when.timeout)}."
    message = error.diag.message_primary or str(error)
    if isinstance(error, InsufficientPrivilege):
        return f"The query may not be asked as {ROLE}: {message}."
    place = f", at character {_place(error, when)}" if _place(error, when) else ""
    return f"The query is wrong: {message}{place}."


def _place(error: Error, when: Query) -> int:
    """Where in the query itself it is wrong; 0 where that is not known."""
    position = int(error.diag.statement_position or 0)
    before = len(_VIEW.format(sql.SQL("")).as_string())
    return position - before if before < position <= before + len(when.query) else 0


def _bare(query: str) -> str:
    return query.strip().rstrip(";")


def _statement(query: str, columns: tuple[str, ...]) -> sql.Composed:
    kinds = {"value": sql.SQL("value::float8")}
    shown = [
        kinds.get(name) or sql.SQL("left({}::text, {})").format(sql.Identifier(name), sql.Literal(LONGEST_TEXT))
        for name in columns
    ]
    return sql.SQL("SELECT {} FROM (\n{}\n) AS asked LIMIT {}").format(
        sql.SQL(", ").join(shown),
        sql.SQL(_bare(query)),
        sql.Literal(MOST_ROWS + 1),
    )


def _milliseconds(when: Query) -> str:
    return str(max(1, int(when.timeout.total_seconds() * 1000)))
