"""What is sent for COPY is what the server's own format says, whatever is present and whatever is not."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.copy_format import encode
from ingest.readings import Readings, microseconds, moment
from schema.rollups import MEASURES

TABLE = """
    CREATE TEMPORARY TABLE IF NOT EXISTS copied (
        sensor_id integer, time timestamptz, speed_kmh real, volume_vph real, occupancy real, travel_time_s real,
        flag smallint
    )
"""
floats = st.none() | st.floats(0, 1e6, width=32)
times = st.datetimes(datetime(1970, 1, 1), datetime(2199, 1, 1), timezones=st.just(UTC))
rows = st.tuples(st.integers(-(2**31), 2**31 - 1), times, floats, floats, floats, floats, st.integers(0, 3))


@pytest.fixture(scope="module")
def connection(embedded_postgres: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(embedded_postgres, autocommit=True) as connection:
        connection.execute(TABLE)
        yield connection


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(rows, max_size=40))
def test_every_row_arrives_as_it_was(connection: psycopg.Connection, rows: list[tuple[Any, ...]]) -> None:
    connection.execute("TRUNCATE copied")
    measures = np.array([row[2:6] for row in rows], dtype=np.float32).reshape(len(rows), len(MEASURES)).T
    readings = Readings(
        np.zeros(len(rows), dtype=np.int32),
        np.array([microseconds(row[1]) for row in rows], dtype=np.int64),
        measures,
        np.arange(len(rows)),
    )
    ids = np.array([row[0] for row in rows], dtype=np.int32)
    flags = np.array([row[6] for row in rows], dtype=np.int8)
    with connection.cursor() as cursor:
        with cursor.copy("COPY copied FROM STDIN (FORMAT binary)") as copy:
            copy.write(encode(readings, ids, flags))
        found = cursor.execute("SELECT * FROM copied", binary=True).fetchall()
    expected = [(*row[:6], row[6] or None) for row in rows]
    assert sorted(found, key=repr) == sorted(expected, key=repr)


@given(time=times)
def test_a_time_is_the_same_after_it_was_a_number(time: datetime) -> None:
    assert moment(microseconds(time)) == time
