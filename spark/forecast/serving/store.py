"""Predictions into the table `predictions`: those of one minute in one transaction, a repeat is a no-op."""

from collections.abc import Iterable
from typing import Any, Final

import psycopg
from psycopg.conninfo import make_conninfo

from schema.chunks import make_chunks
from schema.database import APPLICATION, PATIENCE
from schema.engines import Engine, engine_of
from schema.events import Prediction

_TABLE: Final = "predictions"
_STAGING: Final = """
    CREATE TEMPORARY TABLE IF NOT EXISTS staged_predictions (
        sensor text, time timestamptz, made_at timestamptz, speed_kmh real, lower_kmh real, upper_kmh real, model text
    ) ON COMMIT DELETE ROWS
"""
_TYPES: Final = ("text", "timestamptz", "timestamptz", "float4", "float4", "float4", "text")
_COPY: Final = "COPY staged_predictions FROM STDIN (FORMAT binary)"
#: A sensor that ingest has not met yet is left out.
_INSERT: Final = """
    INSERT INTO predictions (sensor_id, time, made_at, speed_kmh, lower_kmh, upper_kmh, model)
    SELECT id, time, made_at, speed_kmh, lower_kmh, upper_kmh, model
    FROM staged_predictions JOIN sensors ON external_id = sensor
    ON CONFLICT DO NOTHING
"""


class Store:
    """One connection, made when it is needed; a call raises `psycopg.OperationalError` while the database is away.
    Not for use by two threads at once."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._engine: Engine | None = None
        self._chunks: set[str] = set()
        self._connection: psycopg.Connection[Any] | None = None

    def write(self, predictions: Iterable[Prediction]) -> int:
        """Store all or none; how many were not there yet."""
        rows = list(predictions)
        connection = self._connected()
        self._ensure_chunks(connection, rows)
        with connection.transaction(), connection.cursor() as cursor:
            with cursor.copy(_COPY) as copy:
                copy.set_types(_TYPES)
                for one in rows:
                    speeds = (one.speed_kmh, one.lower_kmh, one.upper_kmh)
                    copy.write_row((one.sensor, one.target_time, one.made_at, *speeds, one.model))
            return cursor.execute(_INSERT).rowcount

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def _ensure_chunks(self, connection: psycopg.Connection[Any], rows: Iterable[Prediction]) -> None:
        self._engine = self._engine or engine_of(self._url)
        times = {one.target_time for one in rows}
        wanted = self._engine.partitions(_TABLE, times).keys()
        if not wanted <= self._chunks:
            make_chunks(connection, self._engine, _TABLE, times)
            self._chunks |= wanted

    def _connected(self) -> psycopg.Connection[Any]:
        if self._connection is None or self._connection.closed:
            url = make_conninfo(self._url, application_name=APPLICATION, **PATIENCE)
            self._connection = psycopg.connect(url, autocommit=True)
            self._connection.execute(_STAGING)
        return self._connection
