"""The insights of a week in a real Spark over JDBC, against a town whose delays are known beforehand."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from schema.days import Days
from spark.insights.compute import compute
from spark.insights.insight import Insight, of_kind
from spark.insights.job import require_measures, run, run_within, stored
from spark.insights.measures import Reader
from spark.insights.parameters import Parameters
from spark.jdbc import Source
from spark.spans import Span
from tests.schema.city import City, city_at, every_5_minutes, hours
from tests.spark.insights.town import FORMER, HOUR_COSTS, SLOW, VOLUME, WEEK, days, link, mornings
from urbanclear.errors import ConfigurationError
from urbanclear.settings import Settings

PARAMETERS = Parameters("UTC", 0.95, value_of_time=20, vehicle_occupancy=1.5, top=3)
MONEY = 30.0


@pytest.fixture
async def city(database_url: str) -> AsyncIterator[City]:
    async with city_at(database_url) as made:
        yield made


def insights(session: SparkSession, url: str, parameters: Parameters = PARAMETERS) -> list[Insight]:
    days = Days.of_week("2026-W10")
    return compute(Reader(session, Source.of(url), days, days.before, parameters))


async def test_a_week_is_told_against_the_one_before(session: SparkSession, city: City, database_url: str) -> None:
    worse, better, same = [await link(city, road) for road in ("Broadway", "FDR Drive", "Main Street")]
    await city.read(
        [
            *mornings(worse, FORMER, {0: 1}),
            *mornings(worse, WEEK, {0: 2, 1: 2}),
            *mornings(better, FORMER, {0: 3}),
            *mornings(better, WEEK, {0: 1}),
            *mornings(same, FORMER, {3: 1}),
            *mornings(same, WEEK, {3: 1}),
        ]
    )
    await city.incident("i1", ["Broadway-0"], WEEK + hours(6), WEEK + hours(7))
    await city.compute(*days(FORMER), *days(WEEK))
    found = insights(session, database_url)
    totals = {insight.subject: insight for insight in of_kind(found, "total")}
    delay = totals["delay"]
    assert [delay.value, delay.before] == pytest.approx([6 * HOUR_COSTS, 5 * HOUR_COSTS])
    assert delay.unit == "vehicle hours"
    assert [day["value"] for day in delay.detail["days"]] == pytest.approx(
        [3 * HOUR_COSTS, 2 * HOUR_COSTS, 0, HOUR_COSTS, 0, 0, 0]
    )
    assert [day["day"] for day in delay.detail["days_before"]] == [f"{day}" for day in days(FORMER)]
    cost = totals["cost of delay"]
    assert cost.value == pytest.approx(6 * HOUR_COSTS * MONEY)
    assert cost.unit == "USD"
    assert totals["travel time index"].value == pytest.approx(1 + 6 / (3 * 56))
    assert totals["travel time index"].before == pytest.approx(1 + 5 / (3 * 56))
    worst = of_kind(found, "worst_delay")
    assert [(row.rank, row.subject) for row in worst] == [(1, "Broadway N"), (2, "FDR Drive N"), (3, "Main Street N")]
    assert [row.value for row in worst] == pytest.approx([4 * HOUR_COSTS, HOUR_COSTS, HOUR_COSTS])
    assert [row.before for row in worst] == pytest.approx([HOUR_COSTS, 3 * HOUR_COSTS, HOUR_COSTS])
    [up] = of_kind(found, "mover_worse")
    [down] = of_kind(found, "mover_better")
    assert (up.subject, up.unit, up.detail["change"]) == (
        "Broadway N",
        "vehicle hours",
        pytest.approx(3 * HOUR_COSTS),
    )
    assert (down.subject, down.detail["change"]) == ("FDR Drive N", pytest.approx(-2 * HOUR_COSTS))
    [reliable, *_] = of_kind(found, "worst_reliability")
    assert (reliable.subject, reliable.value, reliable.detail["worst_period"]) == ("Broadway N", 2, "am peak")
    assert reliable.detail["buffer_index"] == pytest.approx(2 / (1 + 4 / 56) - 1)
    [incident] = of_kind(found, "incident_cost")
    assert (incident.subject, incident.detail["incident_id"], incident.before) == ("crash", "i1", None)
    assert incident.detail["started_at"] == "2026-03-02T06:00:00Z"
    assert incident.value == pytest.approx(incident.detail["vehicle_hours"] * MONEY)
    assert totals["incidents"].value == 1
    assert totals["incidents"].before == 0
    assert all(insight.detail["good_share"] == 1 for insight in found)


async def test_without_counts_corridors_are_told_by_the_time_of_one_vehicle(
    session: SparkSession, city: City, database_url: str
) -> None:
    one = await link(city, "Broadway")
    await city.read([*mornings(one, FORMER, {0: 1}, None), *mornings(one, WEEK, {0: 2}, None)])
    await city.incident("i1", ["Broadway-0"], WEEK + hours(6), WEEK + hours(7))
    await city.compute(*days(FORMER), *days(WEEK))
    found = insights(session, database_url)
    [worst] = of_kind(found, "worst_delay")
    lost = 60 * 2 / 8 / 7
    assert [worst.value, worst.before] == pytest.approx([lost, lost / 2])
    assert worst.unit == "seconds per vehicle"
    totals = {insight.subject: insight for insight in of_kind(found, "total")}
    assert totals["delay"].value == pytest.approx(lost)
    assert totals["incidents"].detail["uncounted"] == 1
    assert {"cost of delay", "cost of incidents"}.isdisjoint(totals)
    assert of_kind(found, "incident_cost") == []
    [up] = of_kind(found, "mover_worse")
    assert up.unit == "travel time index"
    assert up.value == pytest.approx(1 + 2 / 56)


async def test_a_first_week_has_nothing_before_and_no_movers(
    session: SparkSession, city: City, database_url: str
) -> None:
    one = await link(city, "Broadway")
    await city.read(
        [*mornings(one, FORMER + timedelta(days=5), {}), *mornings(one, WEEK + timedelta(days=5), {})][:192]
    )
    await city.read(mornings(one, WEEK, {0: 1}))
    await city.compute(*days(FORMER), *days(WEEK))
    found = insights(session, database_url)
    assert {insight.before for insight in found} == {None}
    assert of_kind(found, "mover_worse") == of_kind(found, "mover_better") == []


async def test_the_head_of_a_queue_is_a_bottleneck_with_the_days_on_which_it_was_active(
    session: SparkSession, city: City, database_url: str
) -> None:
    head, downstream = await city.corridor("A1", [0, 1], free_flow_speed_kmh=100)
    for day in (0, 2):
        start = WEEK + timedelta(days=day) + hours(7)
        await city.read(
            reading
            for sensor, speed in ((head, SLOW), (downstream, 100.0))
            for reading in every_5_minutes(sensor, start, [speed] * 24, VOLUME)
        )
    await city.compute(*days(WEEK))
    [found] = of_kind(insights(session, database_url), "bottleneck")
    assert (found.subject, found.unit, found.before) == ("A1-0", "vehicle hours", None)
    assert (found.detail["days"], found.detail["active_minutes"]) == (2, 240)
    assert found.value == pytest.approx(4 * VOLUME * (1 / SLOW - 1 / 100))


async def test_a_run_is_stored_in_the_place_of_the_former_and_holds_until_measures_change(
    session: SparkSession, city: City, database_url: str, tmp_path: Path
) -> None:
    settings = Settings.model_validate({"database_url": database_url, "results_dir": tmp_path, "time_zone": "UTC"})
    one = await link(city, "Broadway")
    await city.read([*mornings(one, FORMER, {0: 1}), *mornings(one, WEEK, {0: 2})])
    await city.compute(*days(FORMER), *days(WEEK))
    week = Days.of_week("2026-W10")
    assert stored(database_url, week, PARAMETERS) == []
    said: list[str] = []
    run(session, settings, week, PARAMETERS, said.append)
    _, found = run(session, settings, week, PARAMETERS, said.append)
    assert said == ["Reading and comparing", "Writing"] * 2
    assert (await city.row("SELECT count(*), count(DISTINCT run_id) AS runs FROM insights")) == {
        "count": len(found),
        "runs": 1,
    }
    by_kind = sorted(found, key=lambda insight: (insight.kind, insight.rank))
    assert stored(database_url, week, PARAMETERS) == by_kind
    assert stored(database_url, week, replace(PARAMETERS, value_of_time=21)) == []
    assert stored(database_url, week.before, PARAMETERS) == []
    await city.compute(days(FORMER)[0])
    assert stored(database_url, week, PARAMETERS) == []
    record = await city.row("SELECT * FROM spark_runs ORDER BY started_at LIMIT 1")
    assert (record["job"], record["status"], record["span_start"]) == ("insights", "succeeded", WEEK)
    assert record["rows_in"] > 0


def test_a_span_in_which_no_day_ended_is_a_sentence(session: SparkSession, database_url: str) -> None:
    settings = Settings.model_validate({"database_url": database_url, "time_zone": "UTC"})
    with pytest.raises(ConfigurationError, match="No day ended in the span"):
        run_within(session, settings, Span(WEEK, WEEK + hours(23)), lambda _: None)


def test_days_without_measures_are_a_sentence_with_what_to_do(database_url: str) -> None:
    with pytest.raises(ConfigurationError, match="schema reprocess --from 2026-03-02 --to 2026-03-08"):
        require_measures(database_url, Days.of_week("2026-W10"))
