"""What REST answers of the batch jobs' results, and before there are any."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.api.resources.conftest import NOON, minutes, span
from tests.api.resources.test_conventions import pages
from tests.api.resources.test_reading import items
from tests.batch import RUSH, anomaly_of, clusters_of, insights_of, profile_of, run_of
from tests.schema.city import City, Reading

SIDE = "t:side"
PATTERN = f"/sensors/{SIDE}/pattern"
WEEK = datetime(2026, 3, 9, tzinfo=UTC)  # just after 2026-W10


async def test_a_pattern_is_told_as_the_job_wrote_it_with_its_run(api: httpx.AsyncClient, city: City) -> None:
    run = await run_of(city, "patterns", NOON - timedelta(days=1), days=28)
    for kind, subject in (("sensor", SIDE), ("area", "Queens")):
        await profile_of(city, run, kind, subject, "weekday", 33)
    for path in (PATTERN, "/areas/queens/pattern"):
        found = (await api.get(path)).json()
        assert len(found["items"]) == 96
        assert found["items"][32] == {
            "day_type": "weekday",
            "minute": 480,
            "speed_kmh": 33.0,
            "lower_kmh": 23.0,
            "upper_kmh": 43.0,
            "days": 20,
        }
        assert (found["source"], found["run"], found["rush_hours"]) == ("profiles", run, [RUSH])
        assert (found["daily_strength"], found["weekly_strength"]) == (0.75, 0.5)
        ends = [datetime.fromisoformat(found[name]) for name in ("span_start", "span_end", "computed_at")]
        assert ends == [NOON - timedelta(days=29), NOON - timedelta(days=1), NOON - timedelta(days=1) + minutes(10)]


async def test_without_a_run_the_pattern_is_that_of_the_readings(api: httpx.AsyncClient, city: City) -> None:
    run = await run_of(city, "patterns", NOON)
    await profile_of(city, run, "sensor", "t:Main Street-0", "weekday", 33)
    await profile_of(city, run, "road", SIDE, "weekday", 33)
    found = (await api.get(PATTERN)).json()
    assert {row["speed_kmh"] for row in found["items"]} == {40.0}
    assert (found["source"], found["run"], found["rush_hours"]) == ("readings", None, None)
    assert datetime.fromisoformat(found["span_end"]) == NOON + minutes(60)


@pytest.mark.parametrize(("days", "source"), [(27, "profiles"), (29, "readings")])
async def test_what_the_job_wrote_holds_for_four_weeks(
    api: httpx.AsyncClient, city: City, days: int, source: str
) -> None:
    run = await run_of(city, "patterns", NOON - timedelta(days=days))
    await profile_of(city, run, "sensor", SIDE, "weekday", 33)
    assert (await api.get(PATTERN)).json()["source"] == source


async def test_a_public_holiday_counts_as_a_sunday_in_the_pattern_of_the_readings(
    api: httpx.AsyncClient, city: City
) -> None:
    christmas = datetime(2024, 12, 25, 12, tzinfo=UTC)  # a Wednesday
    sensor = await city.sensor("festive")
    await city.read(Reading(sensor, christmas + timedelta(days=day), 20.0 + day) for day in range(3))
    found = (await api.get("/sensors/t:festive/pattern")).json()
    rows = [(row["day_type"], row["minute"], row["speed_kmh"]) for row in found["items"]]
    assert rows == [("sunday", 720, 20.0), ("weekday", 720, 21.0)]
    assert found["holidays"] == ["2024-12-25", "2025-01-01"]


async def test_clusters_have_names_a_week_and_a_typical_sensor(api: httpx.AsyncClient, city: City) -> None:
    run = await run_of(city, "clusters", NOON)
    await clusters_of(city, run, SIDE, "t:Main Street-1", "t:Main Street-0")
    [flat, peak] = await items(api, "/clusters/shapes")
    assert (flat["name"], flat["sensors"], flat["medoid_sensor"]) == ("flat", 1, SIDE)
    assert (peak["medoid_sensor"], peak["silhouette"], peak["run"]) == ("t:Main Street-1", 0.5, run)
    assert peak["stability"] == pytest.approx(0.9)
    assert peak["profile"] == [0.5] * 168
    assert await items(api, "/clusters/shapes", cluster=1) == [peak]
    named = [(row["sensor"], row["cluster"], row["name"]) for row in await items(api, "/clusters", area="manhattan")]
    assert named == [("t:Main Street-0", 1, "morning peak"), ("t:Main Street-1", 1, "morning peak")]


async def test_insights_are_those_of_the_newest_days_a_week_or_a_run(api: httpx.AsyncClient, city: City) -> None:
    older = await run_of(city, "insights", WEEK)
    newer = await run_of(city, "insights", WEEK + timedelta(days=7))
    for run in (older, newer):
        await insights_of(city, run, before=None if run == older else 80)
    found = await items(api, "/insights")
    assert [(row["kind"], row["rank"], row["run"]) for row in found] == [
        *[("worst_delay", rank, newer) for rank in (1, 2)],
        ("worst_reliability", 1, newer),
    ]
    worst = found[0]
    assert (worst["subject"], worst["value"], worst["unit"]) == ("Main Street N", 120.5, "vehicle hours")
    assert (worst["before"], worst["detail"]) == (80.0, {"good_share": 0.9})
    for asked in ({"week": "2026-W10"}, {"run": older}):
        assert {(row["run"], row["before"]) for row in await items(api, "/insights", **asked)} == {(older, None)}
    assert [row["subject"] for row in await items(api, "/insights", kind="worst_reliability")] == ["Main Street N"]
    assert await items(api, "/insights", week="2026-W20") == []


async def test_a_rerun_of_the_same_days_is_the_one_that_is_told(api: httpx.AsyncClient, city: City) -> None:
    await insights_of(city, await run_of(city, "insights", WEEK))
    again = await run_of(city, "insights", WEEK, name="zz")
    await city.connection.execute("UPDATE spark_runs SET started_at = now() WHERE id = %s", [again])
    await insights_of(city, again)
    for asked in ({}, {"week": "2026-W10"}):
        assert {row["run"] for row in await items(api, "/insights", **asked)} == {again}


@pytest.mark.parametrize("week", ["2026-W54", "2026-10", "9999-W52", "W10"])
async def test_a_week_that_is_none_is_refused(api: httpx.AsyncClient, week: str) -> None:
    answer = await api.get("/insights", params={"week": week})
    assert (answer.status_code, "week" in answer.json()["detail"]) == (422, True)


async def test_anomalies_are_found_by_kind_score_and_whether_they_last(api: httpx.AsyncClient, city: City) -> None:
    run = await run_of(city, "anomalies", NOON)
    await anomaly_of(city, SIDE, NOON - minutes(20), NOON, run=run)
    await anomaly_of(city, SIDE, NOON, None, score=4)
    await anomaly_of(city, "t:Main Street-0", NOON + minutes(5), None, kind="silent", score=9)

    async def found(**asked: Any) -> list[str]:
        return [f"{row['sensor']} {row['kind']}" for row in await items(api, "/anomalies", **span(), **asked)]

    drop, silent = "t:side speed_drop", "t:Main Street-0 silent"
    assert await found() == [silent, drop, drop]
    assert await found(lasting=True) == [silent, drop]
    assert await found(lasting=False) == [drop]
    assert await found(least_score=5) == [silent, drop]
    assert await found(kind="silent") == [silent]
    assert await found(sensor=SIDE, lasting=True) == [drop]
    assert [row["run"] for row in await items(api, "/anomalies", **span(), sensor=SIDE)] == [None, run]


async def test_runs_are_told_newest_first_with_their_stages_and_errors(api: httpx.AsyncClient, city: City) -> None:
    first = await run_of(city, "patterns", NOON)
    failed = await run_of(city, "clusters", NOON + minutes(60), status="failed", error="ValueError: no sensor")
    found = await items(api, "/runs")
    assert [row["id"] for row in found] == [failed, first]
    assert (found[1]["rows_in"], found[1]["rows_out"], found[1]["seconds"]) == (100, 10, {"Reading": 1.5})
    assert [row["error"] for row in await items(api, "/runs", status="failed")] == ["ValueError: no sensor"]
    assert [row["id"] for row in await items(api, "/runs", job="patterns")] == [first]
    assert (await api.get(f"/runs/{first}")).json() == found[1]
    missing = await api.get("/runs/patterns-nothing")
    assert (missing.status_code, "/api/v1/runs" in missing.json()["detail"]) == (404, True)


@pytest.mark.parametrize("path", ["/clusters", "/clusters/shapes", "/insights", "/anomalies", "/runs"])
async def test_before_any_run_there_is_nothing_to_tell(api: httpx.AsyncClient, path: str) -> None:
    assert await items(api, path) == []


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/clusters", {}),
        ("/clusters/shapes", {}),
        ("/insights", {}),
        ("/anomalies", span()),
        ("/runs", {}),
        (PATTERN, {}),
    ],
)
async def test_results_come_in_pages_in_every_form_and_not_twice(
    api: httpx.AsyncClient, city: City, path: str, asked: dict[str, Any]
) -> None:
    runs = [await run_of(city, job, NOON) for job in ("clusters", "insights", "patterns")]
    await clusters_of(city, runs[0], SIDE, "t:Main Street-0")
    await insights_of(city, runs[1])
    await profile_of(city, runs[2], "sensor", SIDE, "weekday", 33)
    for sensor in (SIDE, "t:Main Street-0"):
        await anomaly_of(city, sensor, NOON, None)
    [whole] = await pages(api, path, **asked)
    assert len(whole) >= 2
    assert [row for page in await pages(api, path, limit=1, **asked) for row in page] == whole
    for form in ("text/csv", "application/vnd.apache.parquet"):
        assert (await api.get(path, params=asked, headers={"Accept": form})).status_code == 200
    etag = (await api.get(path, params=asked)).headers["etag"]
    assert (await api.get(path, params=asked, headers={"If-None-Match": etag})).status_code == 304
