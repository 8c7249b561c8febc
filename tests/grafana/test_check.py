"""`urbanclear grafana check` says of each query how long it took, and fails where the database refuses one."""

import json

import psycopg
import pytest
from typer.testing import CliRunner

from grafana.asked import boards, queries
from urbanclear.cli import app
from urbanclear.errors import StartError


@pytest.fixture
def here(city: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("URBANCLEAR_DATABASE_URL", city)
    return city


def test_every_query_is_asked(here: str) -> None:
    done = CliRunner().invoke(app, ["grafana", "check", "--days", "2", "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    every = [str(asked) for name, board in boards().items() for asked in queries(name, board)]
    assert [f"{one['asked']['board']}: {one['asked']['title']}" for one in told] == every
    assert all(one["ms"] > 0 and one["problem"] == "" for one in told)


def test_a_database_without_a_sensor_has_an_answer_to_all_of_it(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("URBANCLEAR_DATABASE_URL", database_url)
    done = CliRunner().invoke(app, ["grafana", "check", "--json"])
    assert done.exit_code == 0, done.output
    assert {one["problem"] for one in json.loads(done.stdout)} == {""}


def test_a_database_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URBANCLEAR_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(StartError, match=r"The database cannot be asked: .*Check URBANCLEAR_DATABASE_URL"):
        CliRunner().invoke(app, ["grafana", "check"], catch_exceptions=False)


def test_a_query_that_is_refused_is_told_and_the_command_fails(here: str) -> None:
    with psycopg.connect(here, autocommit=True) as owner:
        owner.execute("REVOKE SELECT ON bottlenecks FROM urbanclear_analyst")
        try:
            done = CliRunner().invoke(app, ["grafana", "check", "--json"])
        finally:
            owner.execute("GRANT SELECT ON bottlenecks TO urbanclear_analyst")
    assert done.exit_code == 1
    problems = {one["problem"] for one in json.loads(done.stdout)} - {""}
    assert problems == {"permission denied for view bottlenecks"}
