"""Whether the database answers what the dashboards ask, and how long each query takes there."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, Error, OperationalError
from psycopg.rows import dict_row

from grafana.asked import Asked, boards, chosen, queries
from grafana.expanding import Shown, expanded
from schema.analyst import ROLE
from schema.database import problem_of
from urbanclear.errors import StartError


@dataclass(frozen=True)
class Answer:
    """`problem` is what the database said where it refused, else empty."""

    asked: Asked
    rows: int
    ms: float
    problem: str = ""


def as_analyst(url: str) -> Connection[dict[str, Any]]:
    """A connection in the role that Grafana has, which reads and nothing else; raises `StartError` without one."""
    options = f"-c role={ROLE} -c default_transaction_read_only=on"
    try:
        return Connection.connect(url, options=options, row_factory=dict_row, autocommit=True)
    except OperationalError as error:
        raise StartError(f"The database cannot be asked: {problem_of(error)}.") from error


def check(url: str, shown: Shown) -> Iterator[Answer]:
    """Ask all, over the time `shown`; everything is chosen that can be."""
    with as_analyst(url) as connection:
        for name, board in boards().items():
            variables = chosen(connection, board).chosen
            for asked in queries(name, board):
                yield _ask(connection, asked, expanded(asked.sql, shown, variables))


def _ask(connection: Connection[dict[str, Any]], asked: Asked, sql: str) -> Answer:
    began = time.perf_counter()
    try:
        rows = len(connection.execute(sql.encode()).fetchall())
    except Error as error:
        return Answer(asked, 0, 0.0, " ".join(str(error).split()))
    return Answer(asked, rows, (time.perf_counter() - began) * 1000)
