"""`urbanclear schema …`, as an operator runs it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest
from typer.testing import CliRunner, Result

from schema.check import find_drift
from schema.cli import app
from schema.rollups import ROLLUPS
from schema.upgrade import newest_revision
from urbanclear.errors import ConfigurationError, StartError, UrbanclearError
from urbanclear.settings import Settings, get_settings

ONLY_PLAIN = pytest.mark.parametrize("server_url", ["embedded"], indirect=True)


@pytest.fixture(autouse=True)
def settings_read_anew() -> Iterator[None]:
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


@pytest.fixture
def url(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("URBANCLEAR_DATABASE_URL", database_url)
    return database_url


def schema(*arguments: str) -> Result:
    done = CliRunner().invoke(app, arguments)
    if isinstance(done.exception, UrbanclearError):
        raise done.exception
    return done


def execute(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def fetch(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None


def write_two_days(url: str) -> None:
    execute(
        url,
        "INSERT INTO sensors (external_id, name, road, lat, lon, length_m, free_flow_speed_kmh) "
        "VALUES ('t:1', 'one', 'Main Street', 40, -74, 1000, 60)",
    )
    with psycopg.connect(url, autocommit=True) as connection:
        if connection.execute("SELECT relkind FROM pg_class WHERE relname = 'readings'").fetchone() == ("p",):
            connection.execute("CREATE TABLE readings_all PARTITION OF readings DEFAULT")
        connection.execute(
            "INSERT INTO readings (sensor_id, time, speed_kmh) "
            "SELECT sensors.id, t, 30 FROM sensors, generate_series(%s, %s, interval '5 min') AS t",
            [datetime(2026, 3, 2, 5, tzinfo=UTC), datetime(2026, 3, 4, 4, 55, tzinfo=UTC)],
        )


def test_status_tells_every_time_series_rollup_and_job(url: str) -> None:
    write_two_days(url)
    report = json.loads(schema("status", "--json").stdout)
    assert {"readings", "weather", "readings_5m"} <= {one["relation"] for one in report["series"]}
    assert next(one["bytes"] for one in report["series"] if one["relation"] == "readings") > 0
    assert {one["relation"] for one in report["rollups"]} == {rollup.name for rollup in ROLLUPS}
    shown = schema("status")
    assert shown.exit_code == 0, shown.output
    assert "readings_1h" in shown.stdout


def test_status_ends_with_an_error_when_a_job_failed_last_time(url: str) -> None:
    execute(url, "INSERT INTO upkeep VALUES ('broken', now(), NULL, 1, 3, 2, 'it is broken')")
    done = schema("status", "--json")
    assert done.exit_code == 1
    [job] = [job for job in json.loads(done.stdout)["jobs"] if job["name"] == "broken"]
    assert (job["failures"], job["runs"], job["error"], job["last_success"]) == (2, 3, "it is broken", None)


def test_status_of_an_empty_database_says_what_to_run(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("URBANCLEAR_DATABASE_URL", empty_database_url)
    with pytest.raises(StartError, match=r"does not exist; run `urbanclear schema upgrade`\.$"):
        schema("status")


def test_check_finds_nothing_in_a_fresh_database(url: str) -> None:
    done = schema("check")
    assert (done.exit_code, done.stdout) == (0, "no drift\n")


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ("ALTER TABLE sensors DROP COLUMN lanes", "column sensors.lanes is missing"),
        ("ALTER TABLE sensors ADD COLUMN colour text", "column sensors.colour is not described"),
        ("DROP TABLE measures.delay CASCADE", "table delay is missing"),
        ("DROP INDEX sensors_area_idx", "index sensors_area_idx is missing"),
        ("DROP VIEW sensor_health", "view sensor_health is not as described"),
        (
            "DELETE FROM alembic_version",
            f"the schema is at nothing, not {newest_revision()}: run `urbanclear schema upgrade`",
        ),
    ],
)
def test_check_names_each_drift_and_ends_with_an_error(url: str, change: str, line: str) -> None:
    execute(url, change)
    done = schema("check")
    assert done.exit_code == 1
    assert line in done.stdout.splitlines()


@ONLY_PLAIN
def test_check_notices_a_trigger_that_is_off(url: str) -> None:
    execute(url, "ALTER TABLE readings DISABLE TRIGGER changes_by_delete")
    assert schema("check").stdout == "trigger changes_by_delete on readings is missing or off\n"


def test_check_notices_policies_that_do_not_fit_the_settings(url: str) -> None:
    drift = find_drift(url, Settings.model_validate({"readings_retention": "20d"}))
    with psycopg.connect(url) as connection:
        has_jobs = connection.execute("SELECT FROM pg_extension WHERE extname <> 'plpgsql'").fetchone() is not None
    assert ("RetentionPolicy of readings is missing or differs" in drift) == has_jobs


def test_reprocess_computes_the_days_anew_under_the_definitions_in_force(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_two_days(url)
    done = schema("reprocess", "--from", "2026-03-02", "--to", "2026-03-04")
    assert done.stdout.startswith("3 days computed anew, 2 of them with readings, by time_zone America/New_York, ")
    count = "SELECT count(*) FROM delay_daily WHERE delay_speed_ratio = {}"
    assert fetch(url, count.format(1)) == 2
    monkeypatch.setenv("URBANCLEAR_DELAY_SPEED_RATIO", "0.6")
    get_settings.cache_clear()
    schema("reprocess", "--from", "2026-03-03", "--to", "2026-03-03")
    assert fetch(url, count.format(1)) == 1
    assert fetch(url, count.format(0.6)) == 1
    seconds = "SELECT delay_s_per_vehicle FROM delay_daily WHERE day = '2026-03-{}'"
    assert fetch(url, seconds.format("02")) == pytest.approx(60)  # 1 km at 30 instead of 60 km/h
    assert fetch(url, seconds.format("03")) == pytest.approx(20)  # instead of 36 km/h


def test_days_in_the_wrong_order_are_a_sentence(url: str) -> None:
    with pytest.raises(ConfigurationError, match="swap them"):
        schema("reprocess", "--from", "2026-03-03", "--to", "2026-03-02")


def test_days_whose_rollups_are_gone_are_left_as_they_are(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URBANCLEAR_READINGS_RETENTION", "30d")
    monkeypatch.setenv("URBANCLEAR_ROLLUPS_5M_RETENTION", "365d")
    with pytest.raises(ConfigurationError, match="measures stay as they are: begin after"):
        schema("reprocess", "--from", "2019-03-03", "--to", "2019-03-04")
