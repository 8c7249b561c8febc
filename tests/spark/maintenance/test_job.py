"""The maintenance job on a real Spark, over JDBC, against a real database."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row
from pyspark.sql import SparkSession

from spark.jobs import run_jobs
from spark.runs import Run
from spark.spans import Span
from tests.spark.conftest import fill
from tests.spark.shapes import DAYS, MIDNIGHT, STEP, Reading
from urbanclear.errors import ConfigurationError
from urbanclear.settings import Settings

SPAN = Span(MIDNIGHT, MIDNIGHT + timedelta(days=DAYS))
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OUTAGE = (MIDNIGHT + 4 * DAY, MIDNIGHT + 4 * DAY + 5 * HOUR)
FELL_SILENT = [MIDNIGHT + day * DAY + 6 * HOUR for day in (3, 8, 11)]
STUCK = (MIDNIGHT + 12 * DAY, MIDNIGHT + 12 * DAY + 2 * HOUR)


def told(name: str) -> Iterator[Reading]:
    """A reading every 5 minutes, but of all at once, of the silent and of the one that stutters on the last day."""
    for step in range(DAYS * 288):
        time = MIDNIGHT + STEP * step
        if OUTAGE[0] <= time < OUTAGE[1]:
            continue
        if name == "silent" and any(begin <= time < begin + 2 * HOUR for begin in FELL_SILENT):
            continue
        if name == "stutters" and time >= SPAN.end - DAY and step % 8 == 0:
            continue
        yield time, 50 + step % 7, 2 if name == "stuck" and STUCK[0] <= time < STUCK[1] else None


def run(session: SparkSession, settings: Settings, span: Span = SPAN) -> Run:
    [done] = run_jobs(session, settings, {"maintenance": {}}, span, lambda _: None)
    return done


def listed(settings: Settings) -> list[dict[str, Any]]:
    with psycopg.connect(str(settings.database_url), row_factory=dict_row) as connection:
        query = "SELECT sensors.name, maintenance.* FROM maintenance JOIN sensors ON id = sensor_id ORDER BY rank"
        return connection.execute(query).fetchall()


def test_those_that_failed_and_stutter_come_first_with_the_reason_and_an_outage_is_nobodys_fault(
    session: SparkSession, database_url: str, settings: Settings
) -> None:
    names = ["one", "two", "stutters", "three", "stuck", "silent", "four", "five"]
    fill(database_url, [(number, f"t:{name}", name, told(name)) for number, name in enumerate(names, 1)])
    run(session, settings)
    again = run(session, settings)
    found = listed(settings)
    assert [one["rank"] for one in found] == list(range(1, len(names) + 1))
    assert {one["run_id"] for one in found} == {again.id}
    assert [one["name"] for one in found[:3]] == ["silent", "stuck", "stutters"]
    assert [one["reason"] for one in found] == [
        "silent 3 times in 14 days, 6.0 h in all; last on 13 March",
        "stuck once in 14 days, 2.0 h in all; last on 14 March",
        "misses more readings each day (0 % → 12 % in 1 day)",
        *["no trouble in 14 days"] * 5,
    ]
    silent, stuck, stutters, *well = found
    assert 1 > silent["risk"] > stuck["risk"] > stutters["risk"] > 0
    assert (silent["failures"], silent["silent_hours"], silent["stuck_hours"], silent["days"]) == (3, 6, 0, DAYS)
    assert silent["last_failure"] == FELL_SILENT[-1]
    assert (stuck["failures"], stuck["stuck_hours"], stuck["last_failure"]) == (1, 2, STUCK[0])
    assert stutters["missing_share"] == pytest.approx(1 / 8, abs=0.005)
    assert all((one["failures"], one["missing_share"], one["last_failure"]) == (0, 0, None) for one in well)


def test_a_city_of_one_sensor_has_a_list_of_one_and_less_than_a_day_is_a_sentence(
    session: SparkSession, database_url: str, settings: Settings
) -> None:
    fill(database_url, [(1, "t:one", "one", told("silent"))])
    run(session, settings)
    [one] = listed(settings)
    assert (one["rank"], one["failures"], one["reason"]) == (1, 0, "no trouble in 14 days")
    assert one["risk"] < 0.5
    with pytest.raises(ConfigurationError, match=r"readings are of 6\.0 hours, .* choose an earlier --from"):
        run(session, settings, Span(MIDNIGHT, MIDNIGHT + 6 * HOUR))
    assert len(listed(settings)) == 1
