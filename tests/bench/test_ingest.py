"""The benchmark of ingest gives every figure, of readings that were all stored, and measures what it says."""

import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from typer.testing import CliRunner

from bench.cli import app
from bench.ingest import connect
from bench.ingest.bench import Bench, verify
from bench.ingest.broker import Broker
from bench.ingest.limits import COPY, Limit
from bench.ingest.load import SENSORS, Load
from bench.ingest.measure import Form
from tests.waiting import fetch_one
from urbanclear.errors import UrbanclearError
from urbanclear.settings import Settings, get_settings

EITHER_FORM = {
    "ingest_rows_per_s",
    "ingest_rows_per_s_with_start",
    "ingest_vs_limit",
    "bare_kafka_rows_per_s",
    "bare_copy_rows_per_s",
}
RIVALS = {"orm_rows_per_s", "ingest_vs_orm", "executemany_rows_per_s", "ingest_vs_executemany"}
OTHERS = {"visible_p50_ms", "visible_p99_ms", "consumer_rss_mb", "outage_rss_mb"}


@pytest.fixture(autouse=True)
def settings_read_anew() -> Iterator[None]:
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


@pytest.fixture
async def bench(kafka_bootstrap: str, embedded_postgres: str, tmp_path: Path) -> AsyncIterator[Bench]:
    """On the servers of the tests."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await admin.start()
    settings = Settings()
    broker = Broker(kafka_bootstrap, settings.kafka_partitions, admin)
    yield Bench(settings, broker, embedded_postgres, tmp_path, lambda what: None)
    await admin.close()


def test_every_figure_of_ingest_is_given_and_positive(
    embedded_postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("URBANCLEAR_DATABASE_URL", embedded_postgres)
    done = CliRunner().invoke(app, ["ingest", "--quick", "--rows", "10000", "--json"])
    assert done.exit_code == 0, done.output
    figures = {figure["name"]: figure for figure in json.loads(done.stdout)}
    assert set(figures) == EITHER_FORM | {f"{name}_single" for name in EITHER_FORM} | RIVALS | OTHERS
    assert all(figure["value"] > 0 for figure in figures.values())
    assert all((figure["rows"], figure["rows_single"]) == (10_000, 2_000) for figure in figures.values())
    assert {figure["limit"] for figure in figures.values()} <= {"kafka", "database"}
    assert figures["visible_p99_ms"]["value"] >= figures["visible_p50_ms"]["value"]
    assert figures["consumer_rss_mb"]["value"] >= figures["outage_rss_mb"]["value"]


async def test_the_jdbc_sink_stores_what_was_published_for_it(bench: Bench) -> None:
    load = Load(2)
    await connect.fill(bench, load)
    assert await connect.sink_rate(bench, load) > 0


@pytest.mark.parametrize("by_key", [False, True])
def test_the_bare_copy_writes_the_very_readings_that_are_published(database_url: str, by_key: bool) -> None:
    load = Load(3, datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1))
    with psycopg.connect(database_url, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE copied (LIKE readings)")
        for batch in load.copies(2 * SENSORS, by_key=by_key):
            with cursor.copy(COPY.replace("readings", "copied")) as copy:
                copy.write(batch)
        stored = cursor.execute(
            "SELECT sensor_id, time, speed_kmh, volume_vph, occupancy FROM copied ORDER BY time, sensor_id"
        ).fetchall()
    published = [
        (int(reading.sensor.removeprefix("bench:")), reading.time, reading.speed_kmh, reading.volume_vph)
        for poll in range(load.polls)
        for reading in load.readings(poll)
    ]
    assert [row[:2] for row in stored] == [row[:2] for row in published]
    assert [row[2] for row in stored] == pytest.approx([row[2] for row in published])
    assert [row[3] for row in stored] == pytest.approx([row[3] for row in published])


def test_a_part_of_a_load_is_its_first_polls() -> None:
    load = Load(10)
    assert list(load.part(0.3).times()) == list(load.times())[:3]
    assert load.part(0.3).readings(2) == load.readings(2)


async def test_figures_of_readings_that_are_not_all_stored_are_refused(database_url: str) -> None:
    assert await fetch_one(database_url, "SELECT count(*) FROM readings") == 0
    with pytest.raises(UrbanclearError, match="0 readings are stored instead of 1000"):
        await verify(database_url, 1_000)


def test_ingest_is_measured_against_the_slower_of_the_bare_parts_in_each_round() -> None:
    form = Form(rates=[80.0, 90.0], rates_with_start=[40.0, 45.0])
    form.limits = [Limit(kafka=100.0, database=300.0), Limit(kafka=400.0, database=180.0)]
    ratios = next(figure for figure in form.figures("") if figure.name == "ingest_vs_limit")
    assert (ratios.min, ratios.max) == (0.5, 0.8)
    assert form.limit == "database"
