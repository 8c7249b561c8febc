"""Reads a relation of the database into Spark over JDBC, in partitions by time that the executors read at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final
from urllib.parse import unquote, urlsplit

from pyspark.sql import DataFrame, SparkSession

FETCH_ROWS: Final = 20_000
DRIVER: Final = "org.postgresql.Driver"
DEFAULT_PORT: Final = 5432


@dataclass(frozen=True)
class Source:
    """A database as JDBC wants it: the login apart from the address, so that it shows in no plan or log."""

    url: str
    properties: dict[str, str]

    @classmethod
    def of(cls, database_url: str) -> "Source":
        """From a `postgresql://user:password@host:port/name` URL."""
        parts = urlsplit(database_url)
        query = f"?{parts.query}" if parts.query else ""
        url = f"jdbc:postgresql://{parts.hostname}:{parts.port or DEFAULT_PORT}{parts.path}{query}"
        login = {"user": unquote(parts.username or ""), "password": unquote(parts.password or "")}
        return cls(url, {**login, "driver": DRIVER, "fetchsize": str(FETCH_ROWS)})


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
