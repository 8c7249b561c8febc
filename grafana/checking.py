"""Whether the database answers what the dashboards ask, and how long each query takes there."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, Error
from psycopg.rows import dict_row

from grafana.asked import Asked, Choices, boards, queries
from grafana.expanding import Shown, expanded
from schema.analyst import ROLE


@dataclass(frozen=True)
class Answer:
    """`problem` is what the database said where it refused, else empty."""

    asked: Asked
    rows: int
    ms: float
    problem: str = ""


def as_analyst(url: str) -> Connection[dict[str, Any]]:
    """A connection in the role that Grafana has, which reads and nothing else."""
    options = f"-c role={ROLE} -c default_transaction_read_only=on"
    return Connection.connect(url, options=options, row_factory=dict_row, autocommit=True)


def check(url: str, shown: Shown) -> Iterator[Answer]:
    """Ask all, over the time `shown`; everything is chosen that can be."""
    with as_analyst(url) as connection:
        for name, board in boards().items():
            choices = Choices(board)
            for variable, sql in choices.unanswered():
                choices.answer(variable, connection.execute(sql.encode()).fetchall())
            for asked in queries(name, board):
                yield _ask(connection, asked, expanded(asked.sql, shown, choices.chosen))


def _ask(connection: Connection[dict[str, Any]], asked: Asked, sql: str) -> Answer:
    began = time.perf_counter()
    try:
        rows = len(connection.execute(sql.encode()).fetchall())
    except Error as error:
        return Answer(asked, 0, 0.0, " ".join(str(error).split()))
    return Answer(asked, rows, (time.perf_counter() - began) * 1000)
