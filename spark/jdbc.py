"""Reads a relation of the database into Spark over JDBC, in partitions by time that the executors read at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Final
from urllib.parse import quote

from psycopg.conninfo import conninfo_to_dict
from pyspark.sql import DataFrame, SparkSession

from schema.database import APPLICATION
from urbanclear.errors import ConfigurationError

FETCH_ROWS: Final = 20_000
DRIVER: Final = "org.postgresql.Driver"
DEFAULT_PORT: Final = "5432"
#: What libpq and the JDBC driver call by different names; the rest of what is in use they call alike.
_DRIVERS_NAME: Final = {"application_name": "ApplicationName", "connect_timeout": "connectTimeout"}


@dataclass(frozen=True)
class Source:
    """A database as JDBC wants it: all but the address apart from it, so that no secret shows in a plan or log."""

    url: str
    properties: dict[str, str] = field(repr=False)

    @classmethod
    def of(cls, database_url: str) -> "Source":
        """From what libpq takes, for example `postgresql://user:password@host:port/name?sslmode=require`."""
        parsed = conninfo_to_dict(database_url)
        given = {name: str(value) for name, value in parsed.items() if value is not None}
        url = f"jdbc:postgresql://{_hosts(given)}/{quote(given.pop('dbname', given.get('user', '')), safe='')}"
        login = {_DRIVERS_NAME.get(name, name): value for name, value in given.items()}
        common = {"ApplicationName": APPLICATION, "driver": DRIVER, "fetchsize": str(FETCH_ROWS)}
        return cls(url, {**common, **login})


def _hosts(given: dict[str, str]) -> str:
    """Takes the servers' addresses out of `given`; several mean that one stands in for another."""
    hosts = given.pop("host", "localhost").split(",")
    ports = given.pop("port", DEFAULT_PORT).split(",")
    if any(host.startswith(("/", "@")) for host in hosts):
        raise ConfigurationError(
            "Spark cannot reach PostgreSQL over a Unix socket: name a host in URBANCLEAR_DATABASE_URL."
        )
    each_port = ports if len(ports) == len(hosts) else ports[:1] * len(hosts)
    bracketed = [f"[{host}]" if ":" in host else host for host in hosts]
    return ",".join(f"{host}:{port or DEFAULT_PORT}" for host, port in zip(bracketed, each_port, strict=True))


def read_by_time(
    session: SparkSession, source: Source, query: str, start: datetime, end: datetime, partitions: int
) -> DataFrame:
    """The rows of `query`, a SELECT with a `time` column, with `start` <= time < `end`.

    One connection a partition; the time predicate reaches the server, which prunes chunks by it.
    """
    return session.read.jdbc(
        source.url, f"({query}) AS rows", predicates=time_ranges(start, end, partitions), properties=source.properties
    )


def time_ranges(start: datetime, end: datetime, count: int) -> Sequence[str]:
    """`count` conditions that together hold for each time in [start, end) exactly once."""
    edges = [start + (end - start) * number / count for number in range(count)] + [end]
    return [
        f"time >= '{low.isoformat()}'::timestamptz AND time < '{high.isoformat()}'::timestamptz"
        for low, high in pairwise(edges)
    ]
