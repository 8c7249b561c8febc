"""What each engine's server leaves to us, after `schema.ddl`: partitions, refreshes, retention and their status."""

from schema.dialect import PLAIN, TIMESCALE, connectable
from schema.engines.base import Engine, JobStatus, RollupStatus, SeriesStatus
from schema.engines.plain import PlainPostgres
from schema.engines.timescale import Timescale

__all__ = [
    "ENGINES",
    "Engine",
    "JobStatus",
    "PlainPostgres",
    "RollupStatus",
    "SeriesStatus",
    "Timescale",
    "engine_of",
]

#: By the name of the dialect that `schema.dialect` gives a server.
ENGINES: dict[str, Engine] = {PLAIN: PlainPostgres(), TIMESCALE: Timescale()}


def engine_of(database_url: str) -> Engine:
    """The engine of the server at `database_url`."""
    return ENGINES[connectable(database_url).dialect.name]
