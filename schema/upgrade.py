"""Brings a database to the newest schema, and says whether it is there."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from schema.analyst import grant_reading
from schema.database import problem_of
from schema.dialect import connectable
from schema.engines import ENGINES
from schema.retention import Retention
from schema.views import replace_views
from urbanclear.errors import StartError
from urbanclear.settings import Settings

OLDEST_SERVER = 16
_LOCK = 0x75726263_6D696772  # an arbitrary key of our own for pg_advisory_xact_lock


def upgrade(database_url: str, settings: Settings | None = None) -> str:
    """Run the migrations that are missing and set views and policies; returns the newest revision's id.

    All in one transaction. Two at once: one waits for the other. Raises `StartError` when the server cannot be
    reached, is too old, or refuses; the schema is then as it was.
    """
    settings = settings or Settings()
    try:
        with connectable(database_url).begin() as connection:
            engine = ENGINES[connection.dialect.name]
            _check_server(connection)
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            engine.prepare(connection)
            command.upgrade(_config(connection), "head")
            replace_views(connection)
            grant_reading(connection, settings)
            engine.apply_policies(connection, Retention.of(settings))
    except DBAPIError as error:
        raise StartError(f"The schema could not be upgraded: {problem_of(error.orig)}.") from error
    return newest_revision()


def current_revision(connection: Connection) -> str | None:
    """The revision the database is at; None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def newest_revision() -> str:
    """The revision this code needs."""
    head = ScriptDirectory.from_config(_config(None)).get_current_head()
    if head is None:
        raise StartError("The migrations are missing from this installation: install urbanclear again.")
    return head


def _config(connection: Connection | None) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


def _check_server(connection: Connection) -> None:
    version = connection.dialect.server_version_info
    if version is None or int(version[0]) < OLDEST_SERVER:
        found = ".".join(map(str, version or ()))
        raise StartError(f"The server is PostgreSQL {found}; Urbanclear needs {OLDEST_SERVER} or newer.")
