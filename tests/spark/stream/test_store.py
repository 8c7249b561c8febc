"""What a stream leaves in a database of either engine."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from spark.anomalies.alarms import Change
from spark.stream.store import Progress, Store
from tests.spark.stream.town import build

START = int(datetime(2026, 3, 4, 8, tzinfo=UTC).timestamp())
BEGIN = Change(1, "speed_drop", START, None, 4.0, 100.0, 60.0, begins=True)
WORSE = replace(BEGIN, score=7.0, observed=30.0, begins=False)
END = replace(WORSE, end=START + 900)
_RUN = """
    INSERT INTO spark_runs (id, job, status, parameters, code_version)
    VALUES ('a', 'anomalies', 'succeeded', '{}', '0')
"""
_BY_JOB = """
    INSERT INTO anomalies (sensor_id, time, kind, score, run_id) VALUES (1, to_timestamp(%s), 'speed_drop', 5, 'a')
"""
_ROWS = """
    SELECT extract(epoch FROM time)::bigint, extract(epoch FROM ended_at)::bigint, score, observed, run_id
    FROM anomalies ORDER BY time
"""


@pytest.fixture
def store(database_url: str) -> Store:
    build(database_url)
    return Store(database_url)


def rows(store: Store, url: str) -> list[tuple[Any, ...]]:
    store.close()
    with psycopg.connect(url) as connection:
        return connection.execute(_ROWS).fetchall()


def test_an_anomaly_begins_gets_worse_and_ends(store: Store, database_url: str) -> None:
    assert store.write("q", 0, b"one", [BEGIN])
    assert store.open_anomalies() == 1
    assert store.write("q", 1, b"two", [WORSE, END])
    assert store.open_anomalies() == 0
    assert store.last("q") == Progress(1, b"two")
    assert rows(store, database_url) == [(START, START + 900, 7.0, 30.0, None)]


def test_a_batch_that_is_there_is_not_written_again(store: Store, database_url: str) -> None:
    assert store.write("q", 0, b"one", [BEGIN])
    assert not store.write("q", 0, b"other", [WORSE])
    assert store.last("q") == Progress(0, b"one")
    assert store.last("another") is None
    assert rows(store, database_url) == [(START, None, 4.0, 60.0, None)]


def test_a_batch_that_cannot_be_written_leaves_nothing(store: Store, database_url: str) -> None:
    with pytest.raises(psycopg.errors.NotNullViolation):
        store.write("q", 0, b"one", [BEGIN, replace(BEGIN, kind="silent", score=None)])  # type: ignore[arg-type]
    assert store.last("q") is None
    assert rows(store, database_url) == []


def test_what_the_batch_job_found_stays_and_is_only_told_its_end(store: Store, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(_RUN.encode())
    store.write("q", 0, b"", [BEGIN])
    with psycopg.connect(database_url) as connection:  # as the job does, by its own clock
        connection.execute("DELETE FROM anomalies")
        connection.execute(_BY_JOB.encode(), [START - 60])
        connection.execute(_BY_JOB.encode(), [START])
    store.write("q", 1, b"", [BEGIN, WORSE, END])
    assert rows(store, database_url) == [(at, START + 900, 5.0, None, "a") for at in (START - 60, START)]


def test_a_stream_that_begins_anew_can_know_what_the_last_one_did(store: Store, database_url: str) -> None:
    assert store.newest_state() is None
    store.write("first", 0, b"old", [])
    store.write("second", 0, b"new", [])
    assert store.newest_state() == b"new"
    store.close()
