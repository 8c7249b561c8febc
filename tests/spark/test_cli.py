"""`urbanclear spark …`, as an operator runs it."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import AsyncConnection
from typer.testing import CliRunner, Result

from schema.measures import Definition, compute_days
from spark.anomalies.stream import ALARM_SCORE
from spark.cli import app
from spark.jobs import JOBS
from tests.spark.shapes import MIDNIGHT, SENSORS, STEP
from urbanclear.errors import ConfigurationError
from urbanclear.settings import Settings, get_settings


@pytest.fixture(autouse=True)
def settings_read_anew() -> Iterator[None]:
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


def spark(*arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments])


def clusters(*arguments: str) -> Result:
    return spark("clusters", *arguments)


def test_all_jobs_run_at_one_command_and_their_runs_are_listed(
    city: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("URBANCLEAR_DATABASE_URL", city)
    monkeypatch.setenv("URBANCLEAR_RESULTS_DIR", str(tmp_path))
    monkeypatch.setenv("URBANCLEAR_TIME_ZONE", "UTC")
    measure(city, MIDNIGHT + timedelta(days=7), MIDNIGHT + timedelta(days=13))
    span = ["--from", "2026-03-02T00:00:00Z", "--to", "2026-03-16T00:00:00Z"]
    done = subprocess.run(  # a process of its own, as a session that is there already would be ended
        [sys.executable, "-m", "urbanclear", "spark", "all", *span, "--master", "local[2]", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [one["job"] for one in found] == [*JOBS, "insights"]
    assert (found[-1]["from"], found[-1]["to"]) == ("2026-03-02T00:00:00+00:00", "2026-03-16T00:00:00+00:00")
    with psycopg.connect(city) as connection:
        assert connection.execute("SELECT count(*) FROM sensor_clusters").fetchone() == (SENSORS,)
    listed = json.loads(spark("runs", "--json").stdout)
    assert {(one["id"], one["status"]) for one in listed} == {(one["id"], "succeeded") for one in found}
    assert all(one["id"] in spark("runs").stdout for one in found)


def measure(url: str, *times: datetime) -> None:
    """What insights are made of, of these days."""

    async def compute() -> None:
        async with await AsyncConnection.connect(url, autocommit=True) as connection:
            await connection.execute("UPDATE sensors SET length_m = 1000")
            definition = Definition.of(Settings(time_zone="UTC"))
            await compute_days(connection, [time.date() for time in times], definition)

    asyncio.run(compute())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--from", "yesterday"], "--from 'yesterday' is no time"),
        (["--from", "2026-03-03", "--to", "2026-03-02"], "ends .* before it starts"),
    ],
)
def test_a_span_that_is_none_is_a_sentence(
    city: str, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.setenv("URBANCLEAR_DATABASE_URL", city)
    with pytest.raises(ConfigurationError, match=said):
        raise_from(spark("patterns", *arguments))


def test_a_job_runs_on_the_master_that_it_is_given_or_else_the_settings_name(
    city: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("URBANCLEAR_DATABASE_URL", city)
    monkeypatch.setenv("URBANCLEAR_SPARK_MASTER", "elsewhere")
    with pytest.raises(ConfigurationError, match="'elsewhere' is no Spark master"):
        raise_from(spark("patterns"))
    with pytest.raises(ConfigurationError, match="'somewhere' is no Spark master"):
        raise_from(spark("patterns", "--master", "somewhere"))


def test_files_of_the_numenta_benchmark_are_scored_without_a_database(tmp_path: Path) -> None:
    times = [MIDNIGHT + STEP * row for row in range(400)]
    lines = [f"{time:%Y-%m-%d %H:%M:%S},{20 if row == 390 else 60 + row % 3}" for row, time in enumerate(times)]
    (tmp_path / "one.csv").write_text("\n".join(["timestamp,value", *lines]))
    scores = json.loads(spark("anomalies", "--format", "nab", "--path", str(tmp_path), "--json").stdout)
    assert [row for row, score in enumerate(scores["one.csv"]) if score >= ALARM_SCORE] == [390]
    told = spark("anomalies", "--format", "nab", "--path", str(tmp_path)).stdout
    assert "one.csv" in told
    assert "400" in told


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["--format", "nab"], "needs --path"), (["--path", "somewhere"], "--path and --judge are for --format nab")],
)
def test_a_folder_without_its_format_or_the_other_way_round_is_a_sentence(arguments: list[str], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        raise_from(spark("anomalies", *arguments))


def test_a_source_that_is_none_is_a_sentence(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URBANCLEAR_DATABASE_URL", database_url)
    with pytest.raises(ConfigurationError, match="There is no nowhere: --source takes database, kafka, or the path"):
        raise_from(spark("patterns", "--source", "nowhere"))


def test_an_empty_database_is_a_sentence(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URBANCLEAR_DATABASE_URL", database_url)
    with pytest.raises(ConfigurationError, match="no readings yet"):
        raise_from(clusters())


def test_a_database_without_the_schema_is_a_sentence(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("URBANCLEAR_DATABASE_URL", empty_database_url)
    with pytest.raises(ConfigurationError, match="run `urbanclear schema upgrade`"):
        raise_from(clusters())


def test_a_database_that_is_away_is_a_sentence_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URBANCLEAR_DATABASE_URL", "postgresql://ana:s3cret@127.0.0.1:1/city")
    with pytest.raises(ConfigurationError, match="does not answer: start the stack") as refused:
        raise_from(clusters())
    assert "s3cret" not in str(refused.value)


def test_no_database_at_all_is_a_sentence() -> None:
    said = "`urbanclear up`, set URBANCLEAR_DATA_DIR to the folder of one that runs, or set URBANCLEAR_DATABASE_URL"
    with pytest.raises(ConfigurationError, match=said):
        raise_from(clusters())


def raise_from(done: Result) -> None:
    """What the command raised, which the front door prints."""
    assert done.exception is not None
    raise done.exception
