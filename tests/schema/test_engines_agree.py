"""Both engines give the same rows to the same questions, after the same real readings came in a disorderly way."""

import asyncio
import csv
import gzip
import math
import os
import random
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import AsyncConnection, sql

from schema.engines import engine_of
from schema.events import Reading, Sensor
from schema.measures import Definition, compute_days
from schema.retention import Retention
from schema.rollups import COLUMNS, ROLLUPS
from schema.units import KMH_PER_MPH
from schema.upgrade import upgrade
from tests.conftest import OTHER_SERVER
from tests.ingest.storing import Store
from urbanclear.settings import Settings

FILE = Path("metr_la") / "metr_la_10sensors_rows0-27410_dev.csv.gz"
STEPS = 12 * 24 * 8
SETTINGS = Settings.model_validate({"time_zone": "America/Los_Angeles"})
LEVELS = {
    rollup.name: f"SELECT {rollup.key}, time, {', '.join(c.name for c in COLUMNS)} FROM {rollup.name} ORDER BY 1, 2"
    for rollup in ROLLUPS
}
QUERIES = {
    **LEVELS,
    "current_conditions": "SELECT sensor, time, speed_ratio, level_of_service FROM current_conditions ORDER BY 1",
    "corridor_travel_times": "SELECT * FROM corridor_travel_times ORDER BY corridor, time",
    "congestion_scan": "SELECT * FROM congestion_scan ORDER BY corridor, time, ordinal",
    "reliability_daily": "SELECT * FROM reliability_daily ORDER BY day, sensor, period",
    "delay_daily": "SELECT * FROM delay_daily ORDER BY day, sensor",
    "bottlenecks": "SELECT * FROM bottlenecks ORDER BY sensor, started_at",
    "sensor_health": "SELECT * FROM sensor_health ORDER BY sensor",
}


@pytest.fixture(scope="module")
async def both(embedded_postgres: str, shared_data: Path) -> AsyncIterator[tuple[str, str]]:
    """A database on each engine, filled alike."""
    given = os.environ.get(OTHER_SERVER)
    if given is None:
        pytest.skip(f"no TimescaleDB: set {OTHER_SERVER} to a server that has it to compare both engines")
    name, urls = f"agree_{uuid.uuid4().hex[:12]}", []
    for server in (embedded_postgres, given):
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        urls.append(server.rsplit("/", 1)[0] + f"/{name}")
    readings = real_readings(shared_data / FILE)
    for url in urls:
        await asyncio.to_thread(upgrade, url)
        await fill(url, readings)
    yield urls[0], urls[1]
    for server in (embedded_postgres, given):
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def real_readings(file: Path) -> list[Reading]:
    """Eight days of Los Angeles; 0 is missing."""
    with gzip.open(file, "rt") as lines:
        rows = csv.reader(lines)
        names = next(rows)[1:]
        return [
            Reading(
                sensor=f"metr-la:{name}",
                time=datetime.fromisoformat(row[0]).replace(tzinfo=UTC),
                speed_kmh=float(speed) * KMH_PER_MPH,
                volume_vph=float(60 * (number % 100)),
            )
            for number, row in enumerate(rows)
            if number < STEPS
            for name, speed in zip(names, row[1:], strict=True)
            if float(speed)
        ]


async def fill(url: str, readings: list[Reading]) -> None:
    """In order but for a tenth that comes late, some of it into compressed chunks, and a tenth that comes twice."""
    chance, engine = random.Random(1), engine_of(url)
    late = {id(reading) for reading in chance.sample(readings, len(readings) // 10)}
    sensors = [
        Sensor(
            external_id=sensor,
            name=sensor,
            area=f"area {number % 3}",
            road=f"Road {number % 2}",
            direction="N",
            lat=34 + number / 100,
            lon=-118.0,
            free_flow_speed_kmh=None if number % 4 == 0 else 110.0,
        )
        for number, sensor in enumerate(sorted({reading.sensor for reading in readings}))
    ]
    on_time = [reading for reading in readings if id(reading) not in late]
    async with await AsyncConnection.connect(url, autocommit=True) as connection, Store(url) as ingest:
        assert await ingest.store(sensors) == []
        await store(ingest, on_time)
        await engine.catch_up(connection, Retention())
        await engine.compress(connection)
        await store(ingest, [reading for reading in reversed(readings) if id(reading) in late])
        await store(ingest, chance.sample(on_time, len(on_time) // 10))
        first, last = readings[0].time, readings[-1].time + timedelta(minutes=5)
        await engine.recompute(connection, first, last, Retention())
        days = sorted({reading.time.date() for reading in readings})
        await compute_days(connection, days, Definition.of(SETTINGS))


async def store(ingest: Store, readings: list[Reading]) -> None:
    for at in range(0, len(readings), 5000):
        assert await ingest.store(readings[at : at + 5000]) == []


@pytest.mark.parametrize("name", QUERIES)
def test_both_engines_give_the_same_rows(both: tuple[str, str], name: str) -> None:
    found = []
    for url in both:
        with psycopg.connect(url) as connection:
            found.append(connection.execute(QUERIES[name].encode()).fetchall())
    plain, timescale = found
    assert len(plain) == len(timescale)
    assert plain or name == "bottlenecks"
    differing = [pair for pair in zip(plain, timescale, strict=True) if not all(map(same, *pair))]
    assert differing == []


def same(one: object, other: object) -> bool:
    """Equal but for the order in which floating-point numbers were added."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-9)
    return one == other
