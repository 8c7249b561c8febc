"""A dashboard's query asked of a database as Grafana would, of rows that a test made."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import psycopg

from grafana.checking import as_analyst
from grafana.expanding import Shown, expanded
from grafana.queries import sql_of

NOWHERE = [""]  # what the variable of areas has for what is in none


def ask(url: str, name: str, start: datetime, end: datetime, **chosen: Sequence[str]) -> list[dict[str, Any]]:
    """The rows that `grafana/sql/<name>.sql` finds over the time from `start` to `end`."""
    query = expanded(sql_of(name), Shown(start, end, timedelta(hours=1)), {"area": NOWHERE, **chosen})
    with as_analyst(url) as connection:
        return connection.execute(query.encode()).fetchall()


def write(url: str, *statements: bytes) -> None:
    """What a test needs to be there."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)
