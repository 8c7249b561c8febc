"""A city whose sensors have days of known shapes."""

import math
from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest

from tests.readings import NOTE_LATEST
from tests.spark.shapes import DAYS, MIDNIGHT, SLOW_HOUR


@pytest.fixture(scope="session", autouse=True)
def quick_jvm() -> Iterator[None]:
    """Jobs this short spend most of their time compiling: the quick compiler alone halves it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_SUBMIT_OPTS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
        yield


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
        connection.execute(NOTE_LATEST)
    return database_url


def _plain(connection: psycopg.Connection) -> bool:
    row = connection.execute("SELECT relkind = 'p' FROM pg_class WHERE relname = 'readings'").fetchone()
    return bool(row and row[0])


def _share(shape: str, hour: int) -> float:
    slow = SLOW_HOUR[shape]
    return 1.0 if slow is None else 1 - 0.7 * math.exp(-((hour - slow) ** 2) / 4)
