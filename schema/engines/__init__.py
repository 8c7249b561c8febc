"""The two engines that can keep a time series, and the one place where a server is given its engine."""

from sqlalchemy import Connection, text

from schema.engines.base import Engine
from schema.engines.plain import PlainPostgres
from schema.engines.timescale import Timescale

__all__ = ["Engine", "PlainPostgres", "Timescale", "detect"]

_FEATURES = text(
    """
    SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb')
       AND 'timescaledb' = ANY (string_to_array(replace(current_setting('shared_preload_libraries'), ' ', ''), ','))
       AND coalesce(current_setting('timescaledb.license', true), '') <> 'apache'
    """
)


def detect(connection: Connection) -> Engine:
    """The engine of the server behind `connection`.

    TimescaleDB only where it is installed, preloaded (otherwise creating the extension would end the
    connection) and under its community licence (the Apache one has no continuous aggregates or columnstore).
    """
    return Timescale() if connection.scalar(_FEATURES) else PlainPostgres()
