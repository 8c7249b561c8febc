"""A city whose sensors have weeks of known shapes, and one Spark for the tests of jobs."""

import asyncio
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import AsyncConnection
from pyspark.sql import SparkSession

from schema.chunks import make_chunks
from schema.engines import engine_of
from schema.retention import Retention
from spark.session import spark_session
from tests.readings import NOTE_LATEST
from tests.spark.shapes import DAYS, MIDNIGHT, Reading, readings, sensors
from urbanclear.settings import Settings

_SENSOR = """
    INSERT INTO sensors (id, external_id, name, area, road) OVERRIDING SYSTEM VALUE VALUES (%s, %s, %s, 'north', %s)
"""
_LINK = "INSERT INTO measures.links (sensor_id, corridor, ordinal) VALUES (%s, %s, %s)"


@pytest.fixture(scope="session", autouse=True)
def quick_jvm() -> Iterator[None]:
    """Jobs this short spend most of their time compiling: the quick compiler alone halves it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_SUBMIT_OPTS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
        yield


@pytest.fixture(scope="package")
def session(quick_jvm: None) -> Iterator[SparkSession]:
    with spark_session(Settings(), "tests", "local[2]") as session:
        yield session


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Of a city on UTC, whose results go to a folder of the test's own."""
    given = {"database_url": database_url, "time_zone": "UTC", "holidays": "DE", "results_dir": tmp_path / "results"}
    return Settings.model_validate(given)


@pytest.fixture
def city(database_url: str) -> str:
    """Four sensors of each shape, those of one shape on one corridor, with two weeks of readings."""
    fill(database_url, [(*sensor, readings(sensor[0], sensor[2])) for sensor in sensors()])
    return database_url


def fill(url: str, of_sensors: Iterable[tuple[int, str, str, Iterable[Reading]]]) -> None:
    """Number, external id, road and readings of each sensor, into a database and its rollups."""
    with psycopg.connect(url, autocommit=True) as connection:
        times = [MIDNIGHT + timedelta(days=day) for day in range(DAYS + 1)]
        make_chunks(connection, engine_of(url), "readings", times)
        for number, external_id, road, told in of_sensors:
            connection.execute(_SENSOR, (number, external_id, road, road))
            connection.execute(_LINK, (number, f"{road} N", number))
            with connection.cursor().copy("COPY readings (sensor_id, time, speed_kmh, flag) FROM STDIN") as copy:
                for reading in told:
                    copy.write_row((number, *reading))
        connection.execute(NOTE_LATEST)
    asyncio.run(_roll_up(url))


async def _roll_up(url: str) -> None:
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        await engine_of(url).catch_up(connection, Retention())
