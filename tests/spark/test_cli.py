"""`urbanclear spark …`, as an operator runs it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from spark.cli import app
from spark.jobs import JOBS
from tests.spark.shapes import SENSORS
from tests.waiting import fetch_one
from urbanclear.errors import ConfigurationError
from urbanclear.settings import get_settings


@pytest.fixture(autouse=True)
def settings_read_anew() -> Iterator[None]:
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


def spark(*arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments])


def clusters(*arguments: str) -> Result:
    return spark("clusters", *arguments)


async def test_all_jobs_run_at_one_command_and_their_runs_are_listed(
    city: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("URBANCLEAR_DATABASE_URL", city)
    monkeypatch.setenv("URBANCLEAR_RESULTS_DIR", str(tmp_path))
    monkeypatch.setenv("URBANCLEAR_TIME_ZONE", "UTC")
    done = spark(
        "all", "--from", "2026-03-02T00:00:00Z", "--to", "2026-03-16T00:00:00Z", "--master", "local[2]", "--json"
    )
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert [one["job"] for one in found] == list(JOBS)
    assert await fetch_one(city, "SELECT count(*) FROM sensor_clusters") == SENSORS
    listed = json.loads(spark("runs", "--json").stdout)
    assert {(one["id"], one["status"]) for one in listed} == {(one["id"], "succeeded") for one in found}
    assert all(one["id"] in spark("runs").stdout for one in found)


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
    with pytest.raises(ConfigurationError, match="`urbanclear up`, or set URBANCLEAR_DATABASE_URL"):
        raise_from(clusters())


def raise_from(done: Result) -> None:
    """What the command raised, which the front door prints."""
    assert done.exception is not None
    raise done.exception
