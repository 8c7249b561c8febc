"""The clusters job on a real Spark, over JDBC, against a real database."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from pyspark.sql import SparkSession

from spark.clusters import Options, run
from spark.jdbc import Source, read_by_time
from spark.session import spark_session
from tests.waiting import fetch_one
from urbanclear.errors import ConfigurationError
from urbanclear.settings import Settings

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
SLOW_HOUR = {"morning": 8, "evening": 17, "flat": None}
DAYS = 2


@pytest.fixture(scope="module")
def session() -> Iterator[SparkSession]:
    with spark_session(Settings(), "tests", "local[2]") as session:
        yield session


@pytest.fixture
def city(database_url: str) -> str:
    """Five sensors of each shape, each at a speed of its own, with readings every 20 minutes for two days."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(b"CREATE TABLE readings_test PARTITION OF readings DEFAULT" if _plain(connection) else b"")
        for number, shape in enumerate(shape for shape in SLOW_HOUR for _ in range(5)):
            row = connection.execute(
                "INSERT INTO sensors (external_id, name) VALUES (%s, %s) RETURNING id", [f"t:{shape}{number}", shape]
            ).fetchone()
            assert row is not None
            with connection.cursor().copy("COPY readings (sensor_id, time, speed_kmh) FROM STDIN") as copy:
                for step in range(DAYS * 72):
                    time = MIDNIGHT + timedelta(minutes=20 * step)
                    copy.write_row((row[0], time, (40 + 5 * number) * _share(shape, time.hour)))
    return database_url


def _plain(connection: psycopg.Connection) -> bool:
    row = connection.execute("SELECT relkind = 'p' FROM pg_class WHERE relname = 'readings'").fetchone()
    return bool(row and row[0])


def _share(shape: str, hour: int) -> float:
    slow = SLOW_HOUR[shape]
    return 1.0 if slow is None else 1 - 0.7 * math.exp(-((hour - slow) ** 2) / 4)


async def test_sensors_of_one_shape_share_a_cluster_and_a_rerun_replaces_the_result(
    session: SparkSession, city: str
) -> None:
    options = Options(k=3, time_zone="UTC")
    run(session, city, options)
    clusters = run(session, city, options)
    assert [cluster.sensors for cluster in clusters] == [5, 5, 5]
    assert {8, 17} <= {cluster.slowest_hour for cluster in clusters}
    assert await fetch_one(city, "SELECT count(*) FROM sensor_clusters WHERE cardinality(profile) = 24") == 15
    shapes_by_cluster = "SELECT count(DISTINCT (name, cluster)) FROM sensor_clusters JOIN sensors ON id = sensor_id"
    assert await fetch_one(city, shapes_by_cluster) == 3


def test_the_relation_is_read_in_partitions_that_hold_each_row_once(session: SparkSession, city: str) -> None:
    query = "SELECT sensor_id, time FROM readings"
    frame = read_by_time(session, Source.of(city), query, MIDNIGHT, MIDNIGHT + timedelta(days=DAYS), 4)
    assert frame.rdd.getNumPartitions() == 4
    assert frame.count() == frame.distinct().count() == 15 * DAYS * 72


def test_too_few_sensors_are_named_in_the_error(session: SparkSession, city: str) -> None:
    with pytest.raises(ConfigurationError, match="15 sensors have speeds, too few for 16 clusters"):
        run(session, city, Options(k=16))


def test_an_empty_database_is_a_clear_error(session: SparkSession, database_url: str) -> None:
    with pytest.raises(ConfigurationError, match="no readings to group"):
        run(session, database_url, Options())


def test_a_password_with_special_characters_stays_out_of_the_jdbc_url() -> None:
    source = Source.of("postgresql://ana:p%40ss%2Fw%3Frd@db.example:5433/city?sslmode=require")
    assert source.url == "jdbc:postgresql://db.example:5433/city?sslmode=require"
    assert (source.properties["user"], source.properties["password"]) == ("ana", "p@ss/w?rd")
