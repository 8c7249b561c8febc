"""`urbanclear spark clusters`, as an operator runs it."""

import json
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner, Result

from spark.cli import app
from tests.waiting import fetch_one
from urbanclear.errors import ConfigurationError
from urbanclear.settings import get_settings


@pytest.fixture(autouse=True)
def settings_read_anew() -> Iterator[None]:
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


def clusters(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["clusters", *arguments])


async def test_the_clusters_are_printed_and_stored(city: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URBANCLEAR_DATABASE_URL", city)
    done = clusters("--k", "3", "--time-zone", "UTC", "--master", "local[2]", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert [cluster["sensors"] for cluster in found] == [5, 5, 5]
    assert await fetch_one(city, "SELECT count(*) FROM sensor_clusters WHERE k = 3") == 15


def test_an_empty_database_is_a_sentence(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URBANCLEAR_DATABASE_URL", database_url)
    with pytest.raises(ConfigurationError, match="no readings to group"):
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


def test_an_unknown_time_zone_is_a_sentence(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URBANCLEAR_DATABASE_URL", database_url)
    with pytest.raises(ConfigurationError, match="no time zone 'Mars/Base'"):
        raise_from(clusters("--time-zone", "Mars/Base"))


def raise_from(done: Result) -> None:
    """What the command raised, which the front door prints."""
    assert done.exception is not None
    raise done.exception
