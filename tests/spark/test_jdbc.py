"""How relations are read over JDBC, and what a database's address is for it."""

from datetime import timedelta

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from spark.jdbc import Source, id_ranges, read_grid
from spark.spans import Span
from tests.spark.shapes import DAYS, MIDNIGHT, SENSORS
from urbanclear.errors import ConfigurationError

QUERY = "SELECT sensor_id, time, speed_kmh FROM readings_5m"


def test_the_relation_is_read_in_partitions_that_hold_each_row_once(session: SparkSession, city: str) -> None:
    frame = read_grid(session, Source.of(city), QUERY, Span(MIDNIGHT, MIDNIGHT + timedelta(days=DAYS)), (1, SENSORS))
    assert frame.rdd.getNumPartitions() >= 4
    with psycopg.connect(city) as connection:
        row = connection.execute("SELECT count(*), sum(speed_kmh) FROM readings_5m").fetchone()
    assert row is not None
    assert frame.count() == frame.select("sensor_id", "time").distinct().count() == row[0]
    assert frame.agg({"speed_kmh": "sum"}).collect()[0][0] == pytest.approx(row[1])


@given(st.integers(-5, 5), st.integers(0, 40), st.integers(1, 9))
def test_every_id_is_in_exactly_one_range(first: int, more: int, count: int) -> None:
    ranges = id_ranges((first, first + more), count)
    assert 1 <= len(ranges) <= count
    for number in range(first, first + more + 1):
        assert sum(eval(one.replace("AND", "and"), {"sensor_id": number}) for one in ranges) == 1  # noqa: S307


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
