"""Where a stream leaves what it found: the table `anomalies`, and with it how far it has come.

The changes of a batch, the batch's number and what the detector remembers are written in one transaction, and a batch
whose number is there is not written again. Spark repeats a batch of which it does not know that it was done: so each
has its effect exactly once. What the batch job has put in the place of a stretch has the last word; only the end of
one that it saw last is told here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import psycopg
from psycopg.rows import class_row

from schema.chunks import make_chunks
from schema.engines import Engine, engine_of
from spark.anomalies.alarms import Change

_LAST: Final = "SELECT batch_id, state FROM anomaly_streams WHERE query_id = %s"
_NEWEST_STATE: Final = "SELECT state FROM anomaly_streams ORDER BY updated_at DESC LIMIT 1"
_ADVANCE: Final = """
    INSERT INTO anomaly_streams (query_id, batch_id, state) VALUES (%s, %s, %s)
    ON CONFLICT (query_id) DO UPDATE
    SET batch_id = excluded.batch_id, state = excluded.state, updated_at = clock_timestamp()
    WHERE anomaly_streams.batch_id < excluded.batch_id
"""
_FORGET_OTHERS: Final = """
    DELETE FROM anomaly_streams WHERE query_id <> %s AND updated_at < now() - interval '30 days'
"""
_BEGIN: Final = """
    INSERT INTO anomalies (sensor_id, time, kind, ended_at, score, expected, observed)
    VALUES (%(sensor_id)s, %(time)s, %(kind)s, %(ended_at)s, %(score)s, %(expected)s, %(observed)s)
    ON CONFLICT (sensor_id, time, kind) DO UPDATE
    SET ended_at = excluded.ended_at, score = excluded.score, expected = excluded.expected,
        observed = excluded.observed
    WHERE anomalies.run_id IS NULL
"""
_CHANGE: Final = """
    UPDATE anomalies
    SET ended_at = %(ended_at)s, score = %(score)s, expected = %(expected)s, observed = %(observed)s
    WHERE sensor_id = %(sensor_id)s AND time = %(time)s AND kind = %(kind)s AND run_id IS NULL
"""
_END_OF_JOBS: Final = """
    UPDATE anomalies SET ended_at = %(ended_at)s
    WHERE sensor_id = %(sensor_id)s AND kind = %(kind)s AND run_id IS NOT NULL AND ended_at IS NULL
          AND time < %(ended_at)s AND time >= %(time)s - interval '1 day'
"""
_OPEN: Final = "SELECT count(*) FROM anomalies WHERE ended_at IS NULL"


@dataclass(frozen=True)
class Progress:
    """How far a stream has come, and what its detector remembered then."""

    batch_id: int
    state: bytes


class Store:
    """The database of one stream; every call but `__init__` raises `psycopg.OperationalError` while it is away."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._engine: Engine | None = None
        self._connection: psycopg.Connection[Any] | None = None

    def last(self, query_id: str) -> Progress | None:
        """Of this query; None before its first batch."""
        with self._connected().cursor(row_factory=class_row(Progress)) as cursor:
            return cursor.execute(_LAST, [query_id]).fetchone()

    def newest_state(self) -> bytes | None:
        """What the stream that was last here remembered."""
        row = self._connected().execute(_NEWEST_STATE).fetchone()
        return None if row is None else bytes(row[0])

    def open_anomalies(self) -> int:
        """How many last."""
        row = self._connected().execute(_OPEN).fetchone()
        return 0 if row is None else int(row[0])

    def write(self, query_id: str, batch_id: int, state: bytes, changes: Sequence[Change]) -> bool:
        """All or nothing of a batch; false if it is there already."""
        connection = self._connected()
        began = {_time(change.start) for change in changes if change.begins}
        if began:
            self._engine = self._engine or engine_of(self._url)
            make_chunks(connection, self._engine, "anomalies", began)
        with connection.transaction():
            if connection.execute(_ADVANCE, (query_id, batch_id, state)).rowcount == 0:
                return False
            for change in changes:
                _write(connection, change)
            if batch_id == 0:
                connection.execute(_FORGET_OTHERS, [query_id])
        return True

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def _connected(self) -> psycopg.Connection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self._url, autocommit=True, application_name="urbanclear spark stream")
        return self._connection


def _write(connection: psycopg.Connection[Any], change: Change) -> None:
    values = {
        "sensor_id": change.sensor_id,
        "time": _time(change.start),
        "kind": change.kind,
        "ended_at": None if change.end is None else _time(change.end),
        "score": change.score,
        "expected": change.expected,
        "observed": change.observed,
    }
    connection.execute(_BEGIN if change.begins else _CHANGE, values)
    if change.end is not None:
        connection.execute(_END_OF_JOBS, values)


def _time(epoch: int) -> datetime:
    return datetime.fromtimestamp(epoch, UTC)
