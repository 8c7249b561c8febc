"""The dialect `timescaledb+psycopg`, and the one place where a server is given its engine.

A server that has TimescaleDB is spoken to in SQLAlchemy's dialect `timescaledb`, any other in `postgresql`; from
there on `connection.dialect.name` decides how `schema.ddl` is compiled and which of `schema.engines` does the upkeep.
"""

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.pool import NullPool
from sqlalchemy_timescaledb.dialect import TimescaledbDialect

from schema.database import APPLICATION, sqlalchemy_url

PLAIN = "postgresql"
TIMESCALE = "timescaledb"

# The package knows the drivers psycopg2 and asyncpg only.
registry.register(f"{TIMESCALE}.psycopg", __name__, "TimescaledbPsycopgDialect")

_FEATURES = text(
    """
    SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb')
       AND current_setting('timescaledb.disable_load', true) IS NOT NULL
       AND coalesce(current_setting('timescaledb.license', true), '') <> 'apache'
    """
)


class TimescaledbPsycopgDialect(TimescaledbDialect, PGDialect_psycopg):  # type: ignore[misc]
    """`sqlalchemy-timescaledb`'s dialect over psycopg 3."""

    driver = "psycopg"
    supports_statement_cache = True


def connectable(database_url: str) -> Engine:
    """An engine without a pool for the server at `database_url`, in the dialect that the server understands."""
    plain = _engine(database_url, PLAIN)
    with plain.connect() as connection:
        dialect = dialect_of(connection)
    return plain if dialect == PLAIN else _engine(database_url, dialect)


def dialect_of(connection: Connection) -> str:
    """`timescaledb` where the server has it installed, preloaded and under its community licence.

    Preloaded is told by a parameter of the extension's loader, since only administrators may see the list. Not
    preloaded, creating the extension would end the connection; the Apache licence has no continuous aggregates and
    no columnstore. Such servers are used as plain PostgreSQL.
    """
    return TIMESCALE if connection.scalar(_FEATURES) else PLAIN


def _engine(database_url: str, dialect: str) -> Engine:
    url = sqlalchemy_url(database_url).set(drivername=f"{dialect}+psycopg")
    return create_engine(url, poolclass=NullPool, connect_args={"application_name": APPLICATION})
