"""The clusters job on a real Spark, over JDBC, against a real database."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from pyspark.sql import SparkSession

from spark.clusters import Options, newest_span, profiles, run
from spark.jdbc import Source, read_by_time
from spark.session import spark_session
from tests.spark.shapes import DAYS, MIDNIGHT
from tests.waiting import fetch_one
from urbanclear.errors import ConfigurationError
from urbanclear.settings import Settings

NEW_YORK = "America/New_York"
THREE = Options(k=3, time_zone="UTC")


@pytest.fixture(scope="module")
def session() -> Iterator[SparkSession]:
    with spark_session(Settings(), "tests", "local[2]") as session:
        yield session


def store_former_result(database_url: str) -> None:
    """What an earlier run of 99 clusters might have left."""
    with psycopg.connect(database_url) as connection:
        connection.execute("INSERT INTO sensor_clusters SELECT id, 98, 99, 0, '{}', now() FROM sensors")


async def test_sensors_of_one_shape_share_a_cluster_and_the_former_result_is_replaced(
    session: SparkSession, city: str
) -> None:
    store_former_result(city)
    clusters = run(session, city, newest_span(city, 7), THREE)
    assert [cluster.sensors for cluster in clusters] == [5, 5, 5]
    assert {8, 17} <= {cluster.slowest_hour for cluster in clusters}
    stored = "SELECT count(*) FROM sensor_clusters WHERE k = 3 AND cardinality(profile) = 24"
    assert await fetch_one(city, stored) == await fetch_one(city, "SELECT count(*) FROM sensor_clusters") == 15
    shapes_by_cluster = "SELECT count(DISTINCT (name, cluster)) FROM sensor_clusters JOIN sensors ON id = sensor_id"
    assert await fetch_one(city, shapes_by_cluster) == 3


async def test_a_run_that_cannot_store_its_result_leaves_the_former(session: SparkSession, city: str) -> None:
    store_former_result(city)
    with psycopg.connect(city) as connection:
        connection.execute("ALTER TABLE sensor_clusters ADD CHECK (cluster <> 2)")  # the last of three
    with pytest.raises(psycopg.errors.CheckViolation):
        run(session, city, newest_span(city, 7), THREE)
    assert await fetch_one(city, "SELECT count(*) FROM sensor_clusters WHERE k = 99") == 15


def test_only_the_newest_days_that_were_asked_for_are_read(city: str) -> None:
    span = newest_span(city, 1)
    assert span.end - span.start == timedelta(days=1)
    assert span.start < MIDNIGHT + timedelta(days=DAYS, minutes=-20) < span.end


def test_hours_are_the_citys_and_those_without_readings_take_the_mean_of_the_others(session: SparkSession) -> None:
    rows = [(1, datetime(2026, 3, 7, 13, tzinfo=UTC), 30.0), (1, datetime(2026, 3, 8, 21, tzinfo=UTC), 60.0)]
    [row] = profiles(
        session.createDataFrame(rows, "sensor_id int, time timestamp, speed_kmh float"), NEW_YORK
    ).collect()
    assert row.profile == [0.5 if hour == 8 else 1.0 if hour == 17 else 0.75 for hour in range(24)]


def test_the_relation_is_read_in_partitions_that_hold_each_row_once(session: SparkSession, city: str) -> None:
    query = "SELECT sensor_id, time FROM readings"
    frame = read_by_time(session, Source.of(city), query, MIDNIGHT, MIDNIGHT + timedelta(days=DAYS), 4)
    assert frame.rdd.getNumPartitions() == 4
    assert frame.count() == frame.distinct().count() == 15 * DAYS * 72


def test_too_few_sensors_are_named_in_the_error(session: SparkSession, city: str) -> None:
    with pytest.raises(ConfigurationError, match="15 sensors have speeds, too few for 16 clusters"):
        run(session, city, newest_span(city, 7), Options(k=16))


def test_the_login_and_all_that_may_be_secret_stay_out_of_the_jdbc_url() -> None:
    source = Source.of("postgresql://ana:p%40ss%2Fw%3Frd@db.example:5433/city?sslmode=require&sslpassword=s3cret")
    assert source.url == "jdbc:postgresql://db.example:5433/city"
    assert (source.properties["user"], source.properties["password"]) == ("ana", "p@ss/w?rd")
    assert (source.properties["sslmode"], source.properties["sslpassword"]) == ("require", "s3cret")
    assert "s3cret" not in repr(source)


@pytest.mark.parametrize(
    ("given", "jdbc"),
    [
        ("postgresql://ana@db.example", "jdbc:postgresql://db.example:5432/ana"),
        ("postgresql://ana@[::1]:5433/city", "jdbc:postgresql://[::1]:5433/city"),
        ("postgresql://one:5433,two/city", "jdbc:postgresql://one:5433,two:5432/city"),
        ("postgresql://db.example/my%20city", "jdbc:postgresql://db.example:5432/my%20city"),
    ],
)
def test_an_address_as_libpq_takes_it_is_one_for_jdbc(given: str, jdbc: str) -> None:
    assert Source.of(given).url == jdbc


def test_a_unix_socket_is_refused_with_what_to_do() -> None:
    with pytest.raises(ConfigurationError, match="name a host in URBANCLEAR_DATABASE_URL"):
        Source.of("postgresql:///city?host=/run/postgresql")
