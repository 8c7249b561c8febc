"""Finds where a database has drifted from what the code describes."""

from collections.abc import Iterator
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from psycopg.errors import LockNotAvailable
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from schema.database import problem_of
from schema.dialect import connectable
from schema.engines import ENGINES
from schema.retention import Retention
from schema.rollups import COLUMNS, ROLLUPS, Rollup
from schema.tables import metadata
from schema.upgrade import current_revision, newest_revision
from schema.views import statements
from urbanclear.errors import StartError
from urbanclear.settings import Settings

SCHEMAS = (None, "measures")

_VIEWS = text(
    """
    SELECT relname, pg_get_viewdef(oid) AS definition FROM pg_class
    WHERE relkind = 'v' AND relnamespace = 'public'::regnamespace
    """
)
_TRIGGERS = text("SELECT tgname FROM pg_trigger WHERE tgrelid = 'predictions'::regclass AND tgenabled <> 'D'")
_ROLLUP_COLUMNS = text(
    """
    SELECT attname FROM pg_attribute
    WHERE attrelid = to_regclass(:relation) AND attnum > 0 AND NOT attisdropped
    """
)


def find_drift(database_url: str, settings: Settings) -> list[str]:
    """One line for each difference; none when the database is as `urbanclear schema upgrade` leaves it.

    Raises `StartError` when the server cannot be asked. Nothing is changed.
    """
    try:
        with connectable(database_url).connect() as connection:
            found = current_revision(connection)
            if found != newest_revision():
                return [
                    f"the schema is at {found or 'nothing'}, not {newest_revision()}: run `urbanclear schema upgrade`"
                ]
            engine = ENGINES[connection.dialect.name]
            return [
                *_tables(connection),
                *(line for rollup in ROLLUPS for line in _rollup(connection, rollup)),
                *_views(connection),
                *_triggers(connection),
                *engine.drift(connection, Retention.of(settings)),
            ]
    except DBAPIError as error:
        raise StartError(f"The schema could not be checked: {problem_of(error.orig)}.") from error


def _tables(connection: Connection) -> Iterator[str]:
    context = MigrationContext.configure(
        connection, opts={"include_schemas": True, "include_name": _ours, "include_object": _described}
    )
    for difference in compare_metadata(context, metadata):
        yield from map(_sentence, difference if isinstance(difference, list) else [difference])


def _ours(name: str | None, kind: str, parents: Any) -> bool:
    return kind != "schema" or name in SCHEMAS


def _described(thing: Any, name: str | None, kind: str, reflected: bool, other: object) -> bool:
    """Tables that the code does not describe are partitions, or not ours; a hypertable has an index of its own."""
    is_other_table = kind == "table" and reflected and other is None
    is_time_index = kind == "index" and reflected and name == f"{thing.table.name}_time_idx"
    return not (is_other_table or is_time_index)


def _sentence(difference: tuple[Any, ...]) -> str:
    """An entry of Alembic's in words: what was `added` to the code is missing from the database."""
    verb, *what = difference
    action, _, kind = verb.partition("_")
    name = ".".join(
        str(getattr(part, "name", part)) for part in what if isinstance(part, str) or hasattr(part, "name")
    )
    match action:
        case "add":
            return f"{kind} {name} is missing"
        case "remove":
            return f"{kind} {name} is not described"
        case _:
            return f"{kind} of {name} is not as described"


def _rollup(connection: Connection, rollup: Rollup) -> Iterator[str]:
    found = set(connection.scalars(_ROLLUP_COLUMNS, {"relation": f"rollup.{rollup.name}"}))
    missing = {rollup.key, "time", *(column.name for column in COLUMNS)} - found
    if missing:
        yield f"rollup {rollup.name} lacks {', '.join(sorted(missing))}"


def _triggers(connection: Connection) -> Iterator[str]:
    """Those by which it is known which forecasts are to be scored."""
    found = set(connection.scalars(_TRIGGERS))
    for event in ("insert", "update", "delete"):
        if f"forecasts_by_{event}" not in found:
            yield f"trigger forecasts_by_{event} on predictions is missing or off"


def _views(connection: Connection) -> Iterator[str]:
    """Views whose definition changes when they are made anew, which is then taken back."""
    connection.execute(text("SET LOCAL lock_timeout = '5s'"))
    before = _definitions(connection)
    try:
        for statement in statements():
            connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
        after = _definitions(connection)
    except DBAPIError as error:
        if isinstance(error.orig, LockNotAvailable):
            raise StartError("The views are in use and cannot be compared now: check again in a moment.") from error
        yield f"a view cannot be brought to its definition: {str(error.orig).splitlines()[0]}"
        return
    finally:
        connection.rollback()
    yield from (f"view {name} is not as described" for name in sorted(after) if before.get(name) != after[name])


def _definitions(connection: Connection) -> dict[str, str]:
    return {row.relname: row.definition for row in connection.execute(_VIEWS)}
