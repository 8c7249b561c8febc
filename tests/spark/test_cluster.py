"""The jobs on a standalone cluster say what they say on one machine."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final

import psycopg
import pytest
from psycopg import sql
from pyspark.sql import SparkSession

from spark.jobs import run_jobs
from tests.spark.cluster import standalone_cluster
from tests.spark.conftest import fill
from tests.spark.shapes import OF_EACH, readings, sensors
from tests.spark.test_jobs import SPAN
from urbanclear.settings import Settings

#: The tables of each job, and what each row is known by.
TABLES: Final[Mapping[str, Mapping[str, str]]] = {
    "patterns": {"profiles": "subject_kind, subject, day_type, minute", "seasonality": "subject_kind, subject"},
    "clusters": {"cluster_shapes": "cluster", "sensor_clusters": "sensor_id"},
    "anomalies": {"anomalies": "sensor_id, time, kind"},
    "maintenance": {"maintenance": "sensor_id"},
}


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with standalone_cluster(tmp_path_factory.mktemp("cluster")) as master:
        yield master


@pytest.fixture
def small_city(database_url: str) -> str:
    """One sensor of each shape, and one that has had trouble."""
    some = [sensor for sensor in sensors() if sensor[0] == 1 or sensor[0] % OF_EACH == 2]
    fill(database_url, [(*sensor, readings(sensor[0], sensor[2])) for sensor in some])
    return database_url


@pytest.mark.parametrize("server_url", ["embedded"], indirect=True)
def test_a_standalone_cluster_of_two_workers_says_what_one_machine_says(
    session: SparkSession, small_city: str, settings: Settings, cluster: str
) -> None:
    run_jobs(session, settings, {name: {} for name in TABLES}, SPAN, lambda _: None)
    alone = stored(small_city)
    assert all(alone.values())
    run_on(cluster, settings)
    assert stored(small_city) == alone


def run_on(master: str, settings: Settings) -> None:
    span = ["--from", SPAN.start.isoformat(), "--to", SPAN.end.isoformat()]
    given = {name: str(getattr(settings, name)) for name in ("database_url", "time_zone", "holidays", "results_dir")}
    done = subprocess.run(
        [sys.executable, "-m", "urbanclear", "spark", "all", *span, "--master", master],
        env={**os.environ, **{f"URBANCLEAR_{name.upper()}": value for name, value in given.items()}},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def stored(url: str) -> dict[str, list[dict[str, Any]]]:
    """The rows of the result tables, without the run that wrote them and its time."""
    query = "SELECT * FROM {} ORDER BY {}"
    with psycopg.connect(url, row_factory=psycopg.rows.dict_row) as connection:
        found = {
            table: connection.execute(sql.SQL(query).format(sql.Identifier(table), sql.SQL(key))).fetchall()
            for tables in TABLES.values()
            for table, key in tables.items()
        }
    return {table: [{**row, "run_id": None, "computed_at": None} for row in rows] for table, rows in found.items()}
