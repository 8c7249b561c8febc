"""The batch jobs on a real Spark, over JDBC, against a real database."""

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet as pq
import pytest
from psycopg.rows import dict_row
from pyspark.sql import SparkSession

from spark.jobs import run_jobs
from spark.runs import Run, newest_runs, run_of
from spark.spans import Span
from tests.spark.conftest import fill
from tests.spark.shapes import DAYS, DROP, MIDNIGHT, OF_EACH, SENSORS, SILENCE, SLOW_HOUR, STEP, STUCK
from urbanclear.errors import ConfigurationError
from urbanclear.settings import Settings

SPAN = Span(MIDNIGHT, MIDNIGHT + timedelta(days=DAYS))
ROWS = SENSORS * DAYS * 288 - len(SLOW_HOUR) * int((SILENCE[1] - SILENCE[0]) / STEP)


def run(session: SparkSession, settings: Settings, *names: str, span: Span = SPAN, **asked: object) -> list[Run]:
    return run_jobs(session, settings, dict.fromkeys(names, asked), span, lambda _: None)


def rows(settings: Settings, query: str) -> list[dict[str, Any]]:
    with psycopg.connect(str(settings.database_url), row_factory=dict_row) as connection:
        return connection.execute(query.encode()).fetchall()


def test_profiles_are_those_of_sql_and_rush_hours_are_when_the_roads_are_slow(
    session: SparkSession, city: str, settings: Settings
) -> None:
    run(session, settings, "patterns")
    quarters = """
        SELECT sensor_id, date_bin('15 minutes', time, '2000-01-01') AS quarter, avg(speed_kmh) AS speed_kmh
        FROM readings WHERE flag IS NULL GROUP BY 1, 2
    """
    apart = rows(
        settings,
        f"""
        SELECT count(*) FILTER (WHERE abs(profiles.speed_kmh - median) > 0.01 OR abs(lower_kmh - lower) > 0.01
                                      OR profiles.days <> known.days) AS wrong, count(*) AS compared
        FROM profiles JOIN sensors ON external_id = subject JOIN (
            SELECT sensor_id, count(*) AS days,
                   extract(hour FROM quarter) * 60 + extract(minute FROM quarter) AS minute,
                   CASE extract(isodow FROM quarter) WHEN 6 THEN 'saturday' WHEN 7 THEN 'sunday' ELSE 'weekday' END
                       AS day_type,
                   percentile_cont(0.5) WITHIN GROUP (ORDER BY speed_kmh) AS median,
                   percentile_cont(0.1) WITHIN GROUP (ORDER BY speed_kmh) AS lower
            FROM ({quarters}) AS quarters GROUP BY 1, 3, 4
        ) AS known
        ON (known.sensor_id, known.minute, known.day_type) = (sensors.id, profiles.minute, profiles.day_type)
        WHERE subject_kind = 'sensor'
        """,
    )
    assert apart == [{"wrong": 0, "compared": SENSORS * 3 * 96}]
    found = {one["subject"]: one for one in rows(settings, "SELECT * FROM seasonality WHERE subject_kind = 'road'")}
    for road, hour in SLOW_HOUR.items():
        rushes = found[road]["rush_hours"]
        if hour is None:
            assert rushes == []
            continue
        assert {rush["day_type"] for rush in rushes} == ({"saturday", "sunday"} if road == "weekend" else {"weekday"})
        assert all(abs(rush["slowest_minute"] - (hour * 60 + 30)) <= 30 for rush in rushes)
    assert found["morning peak"]["daily_strength"] > 0.4 > (found["flat"]["daily_strength"] or 0)
    assert found["weekend"]["weekly_strength"] > 0.5


def test_clusters_are_named_by_their_shape_and_stand_for_all_their_sensors(
    session: SparkSession, city: str, settings: Settings
) -> None:
    newcomer = [(MIDNIGHT + STEP * step, 50.0, None) for step in range(20)]
    fill(city, [(SENSORS + 1, "t:newcomer", "new road", newcomer)])
    run(session, settings, "clusters")
    shapes = rows(
        settings,
        "SELECT cluster_shapes.name, sensors, road FROM cluster_shapes JOIN sensors ON sensors.id = medoid_sensor_id",
    )
    assert {shape["name"] for shape in shapes} == set(SLOW_HOUR)
    for shape in shapes:  # roads are called by their shape, and the medoid is on one of them
        assert (shape["road"], shape["sensors"]) == (shape["name"], OF_EACH)
    together = rows(
        settings,
        "SELECT count(DISTINCT (road, cluster)) AS pairs, count(*) "
        "FROM sensor_clusters JOIN sensors ON id = sensor_id",
    )
    assert together == [{"pairs": 4, "count": SENSORS}]


def test_what_went_wrong_is_found_when_it_did_and_nothing_else(
    session: SparkSession, city: str, settings: Settings
) -> None:
    run(session, settings, "anomalies")
    found = rows(settings, "SELECT * FROM anomalies ORDER BY sensor_id, time")
    assert Counter(one["kind"] for one in found) == {"speed_drop": 4, "silent": 4, "stuck": 4}
    assert {one["sensor_id"] % OF_EACH for one in found} == {1}
    for one in found:
        start, end = {"speed_drop": DROP, "silent": SILENCE, "stuck": STUCK}[one["kind"]]
        assert (one["time"], one["ended_at"]) == (start, end)
    drops = [one for one in found if one["kind"] == "speed_drop"]
    assert all(
        one["observed"] / one["expected"] == pytest.approx(0.3, abs=0.05) and one["score"] > 3.5 for one in drops
    )


def test_a_rerun_replaces_and_each_run_is_recorded_with_its_parquet(
    session: SparkSession, city: str, settings: Settings
) -> None:
    asked: dict[str, dict[str, object]] = {"clusters": {"k": 4}, "anomalies": {}}
    first, second = (run_jobs(session, settings, asked, SPAN, lambda _: None) for _ in range(2))
    assert rows(settings, "SELECT DISTINCT run_id FROM cluster_shapes") == [{"run_id": second[0].id}]
    assert rows(settings, "SELECT DISTINCT run_id FROM anomalies") == [{"run_id": second[1].id}]
    records = rows(settings, "SELECT * FROM spark_runs ORDER BY started_at")
    assert [record["id"] for record in records] == [one.id for one in (*first, *second)]
    for record in records:
        assert (record["status"], record["rows_in"], record["error"]) == ("succeeded", ROWS, None)
        assert record["rows_out"] > 0
        assert "Writing" not in record["seconds"] or record["seconds"]["Writing"] >= 0
    files = sorted(path.name for path in Path(settings.results_dir).rglob("*") if path.is_file())
    stamp = "20260302T000000_20260316T000000.parquet"
    assert files == [f"anomalies_{stamp}", f"cluster_shapes_{stamp}", f"sensor_clusters_{stamp}"]
    assert pq.read_table(settings.results_dir / "anomalies" / files[0]).num_rows == second[1].record()["rows_out"]


def test_a_run_that_fails_leaves_the_former_result_and_says_why(
    session: SparkSession, city: str, settings: Settings
) -> None:
    [former] = run(session, settings, "clusters", k=3)
    with psycopg.connect(city) as connection:
        connection.execute("ALTER TABLE cluster_shapes ADD CHECK (cluster < 3)")  # the second of its tables
    with pytest.raises(psycopg.errors.CheckViolation):
        run(session, settings, "clusters", k=4)
    assert rows(settings, "SELECT DISTINCT k FROM sensor_clusters") == [{"k": 3}]
    assert rows(settings, "SELECT DISTINCT run_id FROM cluster_shapes") == [{"run_id": former.id}]
    [failed] = rows(settings, "SELECT * FROM spark_runs WHERE status = 'failed'")
    assert "CheckViolation" in failed["error"]
    assert not list(Path(settings.results_dir).rglob("*unfinished"))


def test_a_run_that_was_killed_is_noted_as_failed_and_one_that_goes_on_is_not(
    session: SparkSession, city: str, settings: Settings
) -> None:
    with psycopg.connect(city, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO spark_runs (id, job, status, parameters, code_version) "
            "VALUES ('killed', 'patterns', 'running', '{}', '1')"
        )
        with run_of("clusters", city, SPAN, {}) as going_on:
            states = {one["id"]: (one["status"], one["error"]) for one in newest_runs(settings, 5)}
    assert states == {"killed": ("failed", "it was killed"), going_on.id: ("running", None)}


def test_a_span_without_readings_is_a_sentence(session: SparkSession, city: str, settings: Settings) -> None:
    empty = Span(MIDNIGHT - timedelta(days=9), MIDNIGHT - timedelta(days=8))
    with pytest.raises(ConfigurationError, match="no readings from 2026-02-21 00:00 to 2026-02-22 00:00"):
        run(session, settings, "patterns", "clusters", "anomalies", span=empty)


def test_a_city_of_one_sensor_that_always_says_the_same_has_a_pattern_and_no_anomalies(
    session: SparkSession, database_url: str, settings: Settings
) -> None:
    steps = range(DAYS * 288)
    fill(database_url, [(1, "t:one", "road", [(MIDNIGHT + STEP * step, 50.0, None) for step in steps])])
    run(session, settings, "patterns", "anomalies")
    assert rows(settings, "SELECT DISTINCT speed_kmh, lower_kmh, upper_kmh FROM profiles") == [
        {"speed_kmh": 50, "lower_kmh": 50, "upper_kmh": 50}
    ]
    assert rows(settings, "SELECT rush_hours, daily_strength FROM seasonality WHERE subject_kind = 'sensor'") == [
        {"rush_hours": [], "daily_strength": None}
    ]
    assert rows(settings, "SELECT count(*) FROM anomalies") == [{"count": 0}]
    with pytest.raises(ConfigurationError, match="1 sensors have speeds, too few for 2 clusters"):
        run(session, settings, "clusters")


def test_too_few_sensors_for_the_clusters_are_a_sentence(
    session: SparkSession, city: str, settings: Settings
) -> None:
    with pytest.raises(
        ConfigurationError, match=f"{SENSORS} sensors have speeds, too few for {SENSORS + 1} clusters"
    ):
        run(session, settings, "clusters", k=SENSORS + 1)
