"""The questions of docs/sql.md run as they stand on both engines, and their answers are those of the raw readings."""

import re
import statistics
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import psycopg
import pytest
from psycopg import AsyncConnection
from psycopg.rows import dict_row

from ingest.sources.simulator.model import Simulator
from schema.chunks import Chunks
from schema.engines import engine_of
from schema.events import Event
from schema.retention import Retention
from schema.rollups import ROLLUPS
from schema.upgrade import upgrade
from schema.upkeep import Upkeep
from tests.conftest import ENGINES, new_database, server_of
from tests.ingest.storing import Store
from urbanclear.public_holidays import DayType, day_type, public_holidays
from urbanclear.settings import Settings

DOCUMENT: Final = (Path(__file__).parents[2] / "docs" / "sql.md").read_text()
QUESTION: Final = re.compile(r"^### (\d+)\. ([^\n]+\?)$\n(.*?)(?=^#|\Z)", re.MULTILINE | re.DOTALL)
BLOCK: Final = re.compile(r"^```sql\n(.+?)^```$", re.MULTILINE | re.DOTALL)
SECTIONS: Final = {int(number): text for number, _, text in QUESTION.findall(DOCUMENT)}
QUERIES: Final = {number: block for number, text in SECTIONS.items() for block in BLOCK.findall(text)}

RELATIONS: Final = {
    *("sensors", "readings", "weather", "incidents", "incident_updates", "current_conditions", "congestion_scan"),
    *("corridor_travel_times", "reliability_daily", "delay_daily", "bottlenecks", "sensor_health", "incident_impact"),
    *("forecast_skill", "forecast_skill_by_sensor", "calendar", "profiles"),
    *(rollup.name for rollup in ROLLUPS),
}
#: What batch jobs fill.
OF_JOBS: Final = {
    *("spark_runs", "seasonality", "sensor_clusters", "cluster_shapes", "anomalies", "insights"),
    *("maintenance", "predictions", "forecast_models", "alerts", "alert_events", "alert_rules"),
}
CITY: Final = ZoneInfo("America/New_York")
ROADS: Final = {
    "Brooklyn-Queens Expressway",
    "Cross Bronx Expressway",
    "FDR Drive",
    "Long Island Expressway",
    "Staten Island Expressway",
}
SPAN, STEP, HOUR = timedelta(days=9), timedelta(minutes=5), timedelta(hours=1)
SILENT_FOR: Final = timedelta(hours=12)

#: Of each full hour of the last day, 10 % too high; and what is normal on a kind of day, in km/h.
NORMAL: Final = {"weekday": 50, "saturday": 60, "sunday": 70}
FORECASTS: Final = (
    b"""
    INSERT INTO spark_runs (id, job, status, span_start, span_end, parameters, code_version)
    VALUES ('patterns-1', 'patterns', 'succeeded', now(), now(), '{}', '0')
    """,
    b"""
    INSERT INTO profiles (subject_kind, subject, day_type, minute, speed_kmh, lower_kmh, upper_kmh, days, run_id)
    SELECT 'sensor', external_id, day_type, minute, speed, speed - 10, speed + 10, 20, 'patterns-1'
    FROM sensors, (VALUES ('weekday', 50), ('saturday', 60), ('sunday', 70)) AS normal (day_type, speed),
         generate_series(0, 1425, 15) AS minute
    """,
    b"""
    INSERT INTO predictions (sensor_id, time, made_at, speed_kmh, lower_kmh, upper_kmh, model)
    SELECT sensor_id, time + interval '5 minutes', time + interval '5 minutes' - ahead,
           1.1 * speed_kmh, 0.5 * speed_kmh, 1.5 * speed_kmh, 'boosting-1'
    FROM readings_5m CROSS JOIN unnest('{15 minutes,60 minutes}'::interval[]) AS ahead
    WHERE time > (SELECT max(time) FROM area_5m) - interval '1 day' AND extract(minute FROM time) = 0
          AND speed_kmh IS NOT NULL
    """,
)

Row = dict[str, Any]


@dataclass(frozen=True)
class RawReading:
    """A stored reading and where it was made."""

    sensor_id: int
    area: str
    corridor: str
    length_m: float
    free_flow_speed_kmh: float
    time: datetime
    speed_kmh: float
    flag: int | None

    @property
    def hour(self) -> datetime:
        return self.time.replace(minute=0, second=0, microsecond=0)


@dataclass(frozen=True)
class City:
    """A database with nine days of a few roads, and what is in it."""

    url: str
    raw: list[RawReading]

    @cached_property
    def good(self) -> list[RawReading]:
        return [reading for reading in self.raw if reading.flag is None]

    @cached_property
    def newest(self) -> datetime:
        """The time of the newest reading, a full quarter of an hour."""
        return max(reading.time for reading in self.raw)

    @property
    def newest_hour(self) -> datetime:
        return self.newest.replace(minute=0)

    def answer(self, number: int) -> list[Row]:
        """What the document's query returns to an analyst, who may only read, and not for long."""
        options = "-c role=urbanclear_analyst -c default_transaction_read_only=on -c statement_timeout=30s"
        with psycopg.connect(self.url, options=options, row_factory=dict_row) as connection:
            return connection.execute(QUERIES[number].encode()).fetchall()


@pytest.fixture(scope="module", params=ENGINES)
def filled_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A database of this module's own on a server of each engine, with the newest schema."""
    with new_database(server_of(request)) as url:
        upgrade(url)
        yield url


@pytest.fixture(scope="module")
async def city(filled_url: str) -> City:
    await fill(filled_url)
    return City(filled_url, read_raw(filled_url))


async def fill(url: str) -> None:
    """Nine days of some roads of the simulated city up to a full quarter of an hour whose forecasts have come due."""
    now = datetime.now(UTC) - STEP
    end = now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)
    start = end - SPAN
    simulator = Simulator(1)
    sensors = [sensor for sensor in simulator.sensors if sensor.road in ROADS]
    chosen, failed = {sensor.external_id for sensor in sensors}, sensors[0].external_id
    first_hour = start.replace(minute=0)
    hours = [first_hour + number * HOUR for number in range(int(SPAN / HOUR) + 1)]
    incidents = [event for event in simulator.incident_events(start, end) if chosen & set(event.sensors)]
    batch: list[Event] = [*sensors, *(simulator.weather(hour) for hour in hours), *incidents]
    async with Store(url) as ingest:
        for number in range(int(SPAN / STEP) + 1):
            time = start + number * STEP
            reporting = chosen - {failed} if time > end - SILENT_FOR else chosen
            batch += [reading for reading in simulator.readings(time) if reading.sensor in reporting]
            if len(batch) > 10_000:
                assert await ingest.store(batch) == []
                batch = []
        assert await ingest.store(batch) == []
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        for flag, every in ((1, 97), (2, 211), (3, 401)):
            await connection.execute(
                "UPDATE readings SET flag = %s WHERE (sensor_id + extract(epoch FROM time)::bigint / 300) %% %s = 0",
                [flag, every],
            )
        await engine_of(url).recompute(connection, start, end, Retention())
        await Chunks(engine_of(url)).ensure(connection, "predictions", [end - number * HOUR for number in range(48)])
        for statement in FORECASTS:
            await connection.execute(statement)
    await Upkeep(Settings.model_validate({"database_url": url})).once()
    with psycopg.connect(url, autocommit=True) as plain:
        plain.execute("ANALYZE")


def read_raw(url: str) -> list[RawReading]:
    query = """
        SELECT sensor_id, area, road || ' ' || direction, length_m, free_flow_speed_kmh, time, speed_kmh::float8, flag
        FROM readings JOIN sensors ON sensors.id = sensor_id
    """
    with psycopg.connect(url) as connection:
        return [RawReading(*row) for row in connection.execute(query)]


def mean_speed(readings: list[RawReading]) -> float:
    return statistics.fmean(reading.speed_kmh for reading in readings)


def near(expected: float) -> Any:
    return pytest.approx(expected, rel=1e-6)


def test_the_document_asks_twenty_three_questions_in_order_each_with_one_query() -> None:
    assert list(SECTIONS) == list(range(1, 24))
    assert [len(BLOCK.findall(text)) for text in SECTIONS.values()] == [1] * 23
    assert len(re.findall("^```sql$", DOCUMENT, re.MULTILINE)) == 23


def test_every_relation_is_described_and_asked_and_none_is_of_one_engine_only() -> None:
    described = set(re.findall(r"^\| `(\w+)` \|", DOCUMENT, re.MULTILINE))
    assert described == RELATIONS | OF_JOBS
    asked = set(re.findall(r"\b(?:FROM|JOIN) (\w+)", "".join(QUERIES.values())))
    assert asked >= RELATIONS
    assert "time_bucket" not in "".join(QUERIES.values())


@pytest.mark.parametrize("number", QUERIES)
def test_every_question_has_an_answer_without_an_empty_column(city: City, number: int) -> None:
    rows = city.answer(number)
    assert rows
    assert [column for column in rows[0] if all(row[column] is None for row in rows)] == []


def test_the_quarter_hours_of_the_last_day_are_means_of_the_raw_readings(city: City) -> None:
    quarters: dict[datetime, list[RawReading]] = defaultdict(list)
    for reading in city.good:
        if reading.time >= city.newest - timedelta(hours=23, minutes=45):
            quarter = reading.time.replace(minute=reading.time.minute // 15 * 15)
            quarters[quarter.astimezone(CITY).replace(tzinfo=None)].append(reading)
    rows = city.answer(2)
    assert len(rows) == 96
    assert sorted(row["local_time"] for row in rows) == sorted(quarters)
    for row in rows:
        assert row["speed_kmh"] == near(mean_speed(quarters[row["local_time"]]))


def test_the_week_against_the_last_counts_only_hours_that_both_have(city: City) -> None:
    hours: dict[tuple[str, datetime], list[RawReading]] = defaultdict(list)
    for reading in city.good:
        hours[reading.area, reading.hour].append(reading)
    last = [city.newest_hour - number * HOUR for number in range(1, 25)]
    rows = city.answer(4)
    assert {row["area"] for row in rows} == {reading.area for reading in city.raw}
    for row in rows:
        pairs = [((row["area"], hour), (row["area"], hour - timedelta(days=7))) for hour in last]
        both = [(now, then) for now, then in pairs if now in hours and then in hours]
        assert row["speed_kmh"] == near(mean_speed([reading for now, _ in both for reading in hours[now]]))
        week_before = mean_speed([reading for _, then in both for reading in hours[then]])
        assert row["speed_week_before_kmh"] == near(week_before)


def test_the_heat_map_has_the_mean_of_each_hour_of_the_citys_week(city: City) -> None:
    cells: dict[tuple[int, int], list[RawReading]] = defaultdict(list)
    for reading in city.good:
        local = reading.time.astimezone(CITY)
        cells[local.isoweekday(), local.hour].append(reading)
    rows = city.answer(5)
    assert {(row["weekday"], row["hour"]) for row in rows} == set(cells)
    for row in rows:
        assert row["speed_kmh"] == near(mean_speed(cells[row["weekday"], row["hour"]]))


def test_standard_deviations_from_sums_of_squares_are_those_of_the_raw_speeds(city: City) -> None:
    since = city.newest.replace(hour=0, minute=0) - timedelta(days=6)
    speeds: dict[int, list[float]] = defaultdict(list)
    for reading in city.good:
        if reading.time >= since:
            speeds[reading.sensor_id].append(reading.speed_kmh)
    rows = city.answer(7)
    for row in rows:
        assert row["stddev_kmh"] == near(statistics.stdev(speeds[row["sensor_id"]]))
    shares = {sensor: statistics.stdev(values) / statistics.fmean(values) for sensor, values in speeds.items()}
    assert rows[0]["variation"] == near(max(shares.values()))


def corridor_times(city: City, readings: list[RawReading]) -> dict[tuple[str, datetime], tuple[float, float]]:
    """Travel time of each corridor in each five minutes, links without data at the others' pace; and its index."""
    lengths = {reading.corridor: 0.0 for reading in city.raw}
    for corridor, _, length in {(reading.corridor, reading.sensor_id, reading.length_m) for reading in city.raw}:
        lengths[corridor] += length
    found: dict[tuple[str, datetime], list[RawReading]] = defaultdict(list)
    for reading in readings:
        found[reading.corridor, reading.time].append(reading)
    times = {}
    for (corridor, time), links in found.items():
        length = sum(link.length_m for link in links)
        if length >= 0.8 * lengths[corridor]:
            taken = sum(link.length_m * 3.6 / max(link.speed_kmh, 1.6) for link in links)
            free = sum(link.length_m * 3.6 / link.free_flow_speed_kmh for link in links)
            times[corridor, time] = (taken * lengths[corridor] / length, taken / free)
    return times


def week_of(city: City) -> list[RawReading]:
    since = city.newest_hour - timedelta(days=7)
    return [reading for reading in city.good if reading.time >= since]


def test_the_worst_corridors_of_the_evening_peak_are_those_of_the_raw_readings(city: City) -> None:
    indexes: dict[str, list[float]] = defaultdict(list)
    for (corridor, time), (_, index) in corridor_times(city, week_of(city)).items():
        local = time.astimezone(CITY)
        if local.isoweekday() <= 5 and 16 <= local.hour < 20:
            indexes[corridor].append(index)
    expected = {corridor: statistics.fmean(values) for corridor, values in indexes.items()}
    rows = city.answer(10)
    assert {row["corridor"]: row["mean_travel_time_index"] for row in rows} == {
        corridor: near(expected[corridor]) for corridor in sorted(expected, key=lambda name: -expected[name])[:10]
    }


def test_percentiles_of_travel_time_are_those_of_the_raw_readings(city: City) -> None:
    hours: dict[tuple[str, int], list[float]] = defaultdict(list)
    for (corridor, time), (seconds, _) in corridor_times(city, week_of(city)).items():
        local = time.astimezone(CITY)
        if local.isoweekday() <= 5:
            hours[corridor, local.hour].append(seconds / 60)
    rows = city.answer(11)
    assert len(rows) == 24
    for row in rows:
        minutes = hours[row["corridor"], row["hour"]]
        for percentile in (50, 80, 95):
            assert row[f"p{percentile}_minutes"] == near(float(np.percentile(minutes, percentile)))


def test_clearing_times_are_those_of_the_simulated_incidents(city: City) -> None:
    with psycopg.connect(city.url) as connection:
        found = connection.execute("SELECT severity, started_at, cleared_at FROM incidents").fetchall()
    minutes: dict[str, list[float]] = defaultdict(list)
    for severity, started, cleared in found:
        if cleared is not None:
            minutes[severity].append((cleared - started).total_seconds() / 60)
    rows = city.answer(17)
    assert {row["severity"]: row["median_minutes"] for row in rows} == {
        severity: near(statistics.median(values)) for severity, values in minutes.items()
    }


def test_the_sensor_that_fell_silent_is_among_those_to_repair(city: City) -> None:
    last_seen: dict[int, datetime] = {}
    for reading in city.raw:
        last_seen[reading.sensor_id] = max(reading.time, last_seen.get(reading.sensor_id, reading.time))
    silent = min(last_seen, key=lambda sensor: last_seen[sensor])
    [row] = [row for row in city.answer(18) if row["sensor_id"] == silent]
    assert row["last_seen"] == last_seen[silent]
    assert row["reporting_share"] < 0.6


def test_the_share_of_good_readings_counts_every_reason(city: City) -> None:
    flags: dict[str, list[int | None]] = defaultdict(list)
    for reading in city.raw:
        if reading.time > city.newest - timedelta(hours=24):
            flags[reading.area].append(reading.flag)
    rows = city.answer(19)
    assert {row["area"] for row in rows} == set(flags)
    for row in rows:
        of_area = flags[row["area"]]
        assert row["readings"] == len(of_area)
        assert row["good_share"] == near(of_area.count(None) / len(of_area))
        assert (row["implausible"], row["stuck"], row["late"]) == tuple(of_area.count(flag) for flag in (1, 2, 3))


def test_the_error_of_forecasts_is_against_the_raw_readings(city: City) -> None:
    hours = {city.newest_hour - number * HOUR for number in range(24)}
    errors = [0.1 * reading.speed_kmh for reading in city.good if reading.time in hours]
    for horizon in (15, 60):
        rows = [row for row in city.answer(21) if row["horizon_minutes"] == horizon]
        assert sum(row["predictions"] for row in rows) == len(errors)
        assert sum(row["predictions"] * row["mae_kmh"] for row in rows) == near(sum(errors))
        assert {row["coverage"] for row in rows} == {1.0}


def test_the_slowest_against_normal_are_judged_by_the_kind_of_day(city: City) -> None:
    speeds: dict[int, list[RawReading]] = defaultdict(list)
    for reading in city.good:
        if reading.time > city.newest - timedelta(days=1):
            speeds[reading.sensor_id].append(reading)
    shares = {
        sensor: mean_speed(readings) / statistics.fmean(NORMAL[kind_of_day(reading.time)] for reading in readings)
        for sensor, readings in speeds.items()
        if len(readings) >= 144
    }
    slowest = sorted(shares, key=lambda sensor: shares[sensor])[:20]
    assert {row["sensor_id"]: row["share_of_normal"] for row in city.answer(22)} == {
        sensor: near(shares[sensor]) for sensor in slowest
    }


def kind_of_day(time: datetime) -> DayType:
    return day_type(time.astimezone(CITY).date(), public_holidays("US"))


def test_the_worst_forecast_are_those_that_were_fastest(city: City) -> None:
    hours = {city.newest_hour - number * HOUR for number in range(24)}
    errors: dict[int, list[float]] = defaultdict(list)
    for reading in city.good:
        if reading.time in hours:
            errors[reading.sensor_id].append(0.1 * reading.speed_kmh)
    means = {sensor: statistics.fmean(values) for sensor, values in errors.items()}
    rows = city.answer(23)
    assert {row["sensor_id"]: row["mae_kmh"] for row in rows} == {
        sensor: near(means[sensor]) for sensor in sorted(means, key=lambda sensor: -means[sensor])[:20]
    }
