"""The same readings by way of the database, Kafka and files; and what is said of sources that are of no use."""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.rows import dict_row
from pyspark.sql import SparkSession

from ingest.sources.simulator.model import Simulator
from ingest.sources.simulator.truth import open_truth
from schema.events import Event, Reading, Sensor, encode
from schema.publisher import open_publisher
from spark.jobs import run_jobs
from spark.sources.kafka import readings_in
from spark.sources.source import source_of
from spark.spans import Asked, Span
from tests.api.conftest import running_api, settings_with_key
from tests.ingest.running import running_consumer
from tests.spark.shapes import MIDNIGHT
from tests.waiting import until_query
from urbanclear.errors import ConfigurationError
from urbanclear.settings import Settings

SENSORS = [
    Sensor(external_id="t:link", name="Link", road="Main", area="north"),
    Sensor(external_id="t:loop", name="Loop", kind="detector", lanes=2, road="Main", area="north"),
    Sensor(external_id="t:plain", name="Plain", road="Side", area="south"),
]
STEP, STEPS = timedelta(seconds=150), 2 * 576
STUCK, WILD = range(300, 360), range(500, 504)
EMBEDDED = pytest.mark.parametrize("server_url", ["embedded"], indirect=True)


def recorded() -> list[Reading]:
    """Two days: a link that is stuck for two and a half hours, a loop that is implausible for ten minutes."""
    found = []
    for step in range(STEPS):
        time, stuck, wild = MIDNIGHT + STEP * step, step in STUCK, step in WILD
        link = 51.37 if stuck else 60.03 + step % 7 - 20 * (200 <= step % 576 < 230)
        found.append(Reading(sensor="t:link", time=time, speed_kmh=link, volume_vph=900 + step % 11 * (not stuck)))
        found.append(Reading(sensor="t:loop", time=time, speed_kmh=0 if wild else 88.8 + step % 5, volume_vph=7))
        if step % 4:  # says nothing now and then
            found.append(Reading(sensor="t:plain", time=time, speed_kmh=210 if wild else 33.3 + step % 3))
    return found


@pytest.fixture
async def settings(kafka_bootstrap: str, database_url: str, tmp_path: Path) -> Settings:
    """Of a city whose readings came over Kafka and were stored by ingest."""
    said = {
        "time_zone": "UTC",
        "holidays": "DE",
        "results_dir": tmp_path / "results",
        "ingest_group": uuid.uuid4().hex,
    }
    given = Settings.model_validate({"database_url": database_url, "kafka_bootstrap": kafka_bootstrap, **said})
    told: list[Event] = [*SENSORS, *recorded()]
    async with open_publisher(kafka_bootstrap) as publisher, running_consumer(given):
        for event in SENSORS:
            await publisher.publish(event)
        await until_query(database_url, "SELECT count(*) FROM sensors", len(SENSORS))
        for first in range(len(SENSORS), len(told), 900):
            await publisher.publish_readings([one for one in told[first : first + 900] if isinstance(one, Reading)])
        await publisher.publish(Reading(sensor="t:link", time=MIDNIGHT, speed_kmh=1))  # again, and not the same
        await publisher.flush()
        await until_query(database_url, "SELECT count(*) FROM readings", len(recorded()))
    return given


def as_table() -> pa.Table:
    rows = [
        {"sensor": one.sensor, "time": one.time, "speed_kmh": one.speed_kmh, "volume_vph": one.volume_vph}
        for one in recorded()
    ]
    return pa.Table.from_pylist([*rows, {**rows[0], "sensor": "t:unknown"}])


def taken(session: SparkSession, settings: Settings, named: str) -> list[tuple[Any, ...]]:
    source = source_of(named, settings).open(session)
    found = source.take(Asked.of(None, None, 28).span(source.newest))
    return sorted((tuple(row) for row in found.readings.collect()), key=lambda row: row[:2])


@EMBEDDED
def test_database_kafka_csv_and_parquet_give_the_same_results(
    session: SparkSession, settings: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    arrow_csv.write_csv(as_table(), tmp_path / "readings.csv")
    for part, rows in enumerate((as_table()[:1_500], as_table()[1_500:])):
        pq.write_table(rows, folder / f"{part}.parquet")
    sources = ["database", "kafka", str(tmp_path / "readings.csv"), str(folder)]
    frames = {named: taken(session, settings, named) for named in sources}
    alone = frames["database"]
    assert sum(row[4] for row in alone) > 10  # stuck
    assert sum(row[2] is None for row in alone) > 10  # with no good reading
    assert [named for named, rows in frames.items() if rows != alone] == []
    results = {named: stored(session, settings, named) for named in sources}
    assert {row["kind"] for row in results["database"]} >= {"stuck"}
    assert [named for named, found in results.items() if found != results["database"]] == []


def stored(session: SparkSession, settings: Settings, named: str) -> list[dict[str, Any]]:
    """What a job leaves in its table."""
    source = source_of(named, settings).open(session)
    span = Span(MIDNIGHT, MIDNIGHT + timedelta(days=2))
    [run] = run_jobs(session, settings, {"anomalies": {}}, span, lambda _: None, source)
    assert run.unknown_sensors == (0 if named in ("database", "kafka") else 1)
    with psycopg.connect(str(settings.database_url), row_factory=dict_row) as connection:
        found = connection.execute("SELECT * FROM anomalies ORDER BY sensor_id, time, kind").fetchall()
        said = connection.execute("SELECT parameters FROM spark_runs WHERE id = %s", [run.id]).fetchall()
    assert said == [{"parameters": {"source": named}}]
    return [{**row, "run_id": None} for row in found]


@EMBEDDED
async def test_exports_of_the_api_are_read_as_they_are(
    session: SparkSession, settings: Settings, tmp_path: Path
) -> None:
    span = {"from": MIDNIGHT.isoformat(), "to": (MIDNIGHT + timedelta(days=2)).isoformat()}
    forms = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}
    expected = taken(session, settings, "database")
    told = settings_with_key(str(settings.database_url), "127.0.0.1:1", time_zone="UTC")
    async with running_api(told, bridged=False) as live, httpx.AsyncClient(trust_env=False) as client:
        for relation in ("readings", "readings_5m"):
            for ending, form in forms.items():
                url = f"{live.url}/api/v1/export/{relation}"
                answer = await client.get(url, params=span, headers={"Accept": form})
                (tmp_path / f"{relation}.{ending}").write_bytes(answer.raise_for_status().content)
    for file in sorted(tmp_path.glob("readings*.*")):
        assert taken(session, settings, str(file)) == expected, file


@pytest.fixture
def known(database_url: str) -> Settings:
    """Settings of a database that knows sensors and has no readings."""
    with psycopg.connect(database_url) as connection:
        for sensor in (*(one.external_id for one in SENSORS), Simulator(1).links[0].external_id):
            connection.execute("INSERT INTO sensors (external_id, name) VALUES (%s, 'one')", [sensor])
    return Settings.model_validate({"database_url": database_url})


@EMBEDDED
def test_the_simulators_truth_is_read_as_it_is(session: SparkSession, known: Settings, tmp_path: Path) -> None:
    simulator = Simulator(1)
    for place in (tmp_path / "truth", tmp_path / "truth.csv.gz"):
        with open_truth(place) as truth:
            for minute in range(0, 60, 5):
                truth.add(simulator.truth(MIDNIGHT + timedelta(minutes=minute)))
        found = source_of(str(place), known).open(session).take(Span(MIDNIGHT, MIDNIGHT + timedelta(hours=1)))
        assert found.readings.count() == 12
        assert found.unknown_sensors > 100


@EMBEDDED
def test_times_without_an_offset_are_utc_whatever_their_form(
    session: SparkSession, known: Settings, tmp_path: Path
) -> None:
    rows = ["sensor,time,speed_kmh", "t:link,2026-03-02 08:00:00,50", "t:link,2026-03-02T09:05:00+01:00,60"]
    (tmp_path / "one.csv").write_text("\n".join(rows))
    naive = pa.array([datetime(2026, 3, 2, 8, 10)], pa.timestamp("ns"))
    pq.write_table(pa.table({"time": naive, "speed_kmh": [70], "sensor": ["t:link"]}), tmp_path / "two.parquet")
    found = [(row[1], row[2]) for row in taken(session, known, str(tmp_path))]
    eight = int((MIDNIGHT + timedelta(hours=8)).timestamp())
    assert found == [(eight, 50), (eight + 300, 60), (eight + 600, 70)]


@EMBEDDED
@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("", "There are no readings in"),
        ("t:link,soon,50", "The column time holds 'soon', which is no time"),
        ("t:link,2026-03-02T00:00:00Z,fast", "The column speed_kmh holds 'fast', which is no number"),
        ("t:link,,50", "A row has no time"),
        (",2026-03-02T00:00:00Z,50", "A row has no sensor"),
        ("t:link,2026-03-02T00:00:00Z,", "The column speed_kmh is empty in all of"),
        ("x:1,2026-03-02T00:00:00Z,50\nx:2,2026-03-02T00:00:00Z,50", "knows none of the 2 sensors .* such as 'x:1'"),
    ],
)
def test_rows_of_no_use_are_a_sentence(
    session: SparkSession, known: Settings, tmp_path: Path, rows: str, said: str
) -> None:
    (tmp_path / "one.csv").write_text(f"sensor,time,speed_kmh\n{rows}\n")
    with pytest.raises(ConfigurationError, match=said):
        taken(session, known, str(tmp_path / "one.csv"))


@EMBEDDED
def test_a_span_that_the_files_do_not_have_is_a_sentence(
    session: SparkSession, known: Settings, tmp_path: Path
) -> None:
    (tmp_path / "one.csv").write_text("sensor,time,speed_kmh\nt:link,2026-03-02T00:00:00Z,50\n")
    source = source_of(str(tmp_path), known).open(session)
    span = Span(MIDNIGHT + timedelta(days=1), MIDNIGHT + timedelta(days=2))
    with pytest.raises(ConfigurationError, match=f"no readings from 2026-03-03 00:00 .* in {tmp_path}"):
        run_jobs(session, known, {"patterns": {}}, span, lambda _: None, source)


@EMBEDDED
@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        (lambda folder: folder / "absent.csv", "There is no .*absent.csv: --source takes database, kafka, or"),
        (lambda folder: folder, "There is no file in .* that ends in .csv, .csv.gz, .parquet"),
        (lambda folder: written(folder / "one.txt", b"sensor"), "it has to end in"),
        (lambda folder: written(folder / "one.csv", b"sensor,when\n"), "has no column time and no column speed_kmh"),
        (lambda folder: written(folder / "one.csv", b""), "has no column sensor and no column time"),
        (lambda folder: written(folder / "one.parquet", b"not parquet"), "one.parquet cannot be read"),
        (lambda folder: written(folder / "one.csv.gz", b"not gzip"), "one.csv.gz cannot be read"),
    ],
)
def test_files_of_no_use_are_a_sentence_before_spark_is_started(
    known: Settings, tmp_path: Path, prepare: Callable[[Path], Path], said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        source_of(str(prepare(tmp_path)), known)


def written(file: Path, content: bytes) -> Path:
    file.write_bytes(content)
    return file


@EMBEDDED
def test_kafka_away_is_a_sentence_before_spark_is_started(known: Settings) -> None:
    with pytest.raises(ConfigurationError, match="Kafka does not answer: start the stack"):
        source_of("kafka", known.model_copy(update={"kafka_bootstrap": "127.0.0.1:1"}))


GOOD = Reading(sensor="t:1", time=MIDNIGHT, speed_kmh=50)


@given(st.lists(st.sampled_from([encode(GOOD), b"{}", b'{"sensor":"t:1"}', b"7", b"null", b'"x"'])))
def test_the_readings_of_a_message_are_kept_whatever_else_is_in_it(elements: list[bytes]) -> None:
    assert list(readings_in(b"[" + b",".join(elements) + b"]")) == [GOOD] * elements.count(encode(GOOD))


@given(st.binary(max_size=50))
def test_bytes_that_are_no_message_hold_no_readings(value: bytes) -> None:
    assert list(readings_in(value)) == []
