"""Reads a relation of the database into Spark over JDBC, in partitions by time and sensor that the executors read at
once."""

from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from typing import Final
from urllib.parse import quote

from psycopg.conninfo import conninfo_to_dict
from pyspark.sql import DataFrame, SparkSession

from schema.database import APPLICATION
from spark.spans import Span
from urbanclear.errors import ConfigurationError

FETCH_ROWS: Final = 20_000
LEAST_PARTITIONS: Final = 4
#: Numbers travel as such, not as text, from the first execution on.
BINARY: Final = {"prepareThreshold": "-1", "binaryTransfer": "true"}
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
        common = {"ApplicationName": APPLICATION, "driver": DRIVER, "fetchsize": str(FETCH_ROWS), **BINARY}
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


def read_grid(
    session: SparkSession, source: Source, query: str, span: Span, sensors: tuple[int, int], days: int = 4
) -> DataFrame:
    """The rows of `query`, a SELECT with `time` and `sensor_id`, in the span and of the sensors from the first id to
    the last.

    A partition, with a connection of its own, is some `days` of all sensors, or of a range of them where the span is
    short. The predicates reach the server, which leaves out chunks by them.
    """
    stretches = max(1, -(-(span.end - span.start) // timedelta(days=days)))
    ranges = max(1, LEAST_PARTITIONS // stretches)
    conditions = [
        f"{time} AND {sensor}" for time in time_ranges(span, stretches) for sensor in id_ranges(sensors, ranges)
    ]
    return session.read.jdbc(source.url, f"({query}) AS rows", predicates=conditions, properties=source.properties)


def time_ranges(span: Span, count: int) -> list[str]:
    """`count` conditions that together hold for each time of the span exactly once."""
    edges = [span.start + (span.end - span.start) * number / count for number in range(count)] + [span.end]
    return [
        f"time >= '{low.isoformat()}'::timestamptz AND time < '{high.isoformat()}'::timestamptz"
        for low, high in pairwise(edges)
    ]


def id_ranges(sensors: tuple[int, int], count: int) -> list[str]:
    """At most `count` conditions that together hold for each id from the first to the last exactly once."""
    first, last = sensors
    edges = sorted({first + (last + 1 - first) * number // count for number in range(count)} | {last + 1})
    return [f"sensor_id >= {low} AND sensor_id < {high}" for low, high in pairwise(edges)]
