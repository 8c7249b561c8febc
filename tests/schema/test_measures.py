"""Analysts' measures equal an independent computation from the raw readings, and answers known beforehand."""

import math
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from schema.los import LEAST_RATIO, level_of_service
from schema.measures import RECOMPUTE_AFTER, compute_changed_days
from schema.retention import Retention
from schema.rollups import FIVE_MINUTES, Flag
from schema.units import KMH_PER_MPH
from tests.schema.city import METRES_PER_DEGREE, City, Reading, city_at, every_5_minutes, hours
from urbanclear.settings import Settings

LOS_ANGELES = ZoneInfo("America/Los_Angeles")
DAY = date(2026, 3, 4)  # a Wednesday
START = datetime(2026, 3, 4, 8, tzinfo=UTC)
MIDNIGHT = datetime(2026, 3, 4, tzinfo=UTC)
UTC_CITY = Settings(time_zone="UTC", readings_retention=None, rollups_5m_retention=None)


@pytest.fixture
async def city(database_url: str) -> AsyncIterator[City]:
    async with city_at(database_url) as made:
        yield made


def real_speeds(folder: Path, first: str, last: str, shift: timedelta) -> "pd.DataFrame":
    """Speeds of real detectors, km/h as they are stored, by UTC; the days are those of Los Angeles."""
    file = folder / "metr_la" / "metr_la_10sensors_rows0-27410_dev.csv.gz"
    speeds = pd.read_csv(file, index_col="timestamp", parse_dates=["timestamp"]).loc[first:last]
    times = pd.DatetimeIndex(speeds.index).tz_localize(LOS_ANGELES, nonexistent="NaT")
    speeds = speeds[times.notna()].replace(0, np.nan) * KMH_PER_MPH
    speeds.index = times[times.notna()].tz_convert(UTC) + shift
    return speeds.astype(np.float32).astype(np.float64)


def period_of(time: datetime) -> str:
    if not 6 <= time.hour < 20:
        return "overnight"
    if time.weekday() >= 5:
        return "weekend"
    return "am peak" if time.hour < 10 else "midday" if time.hour < 16 else "pm peak"


Index = tuple[float, float, float, int]


def reliability(speeds: "pd.Series[float]", free_flow_kmh: float, percentile: float) -> dict[tuple[date, str], Index]:
    """Travel time, planning time and buffer index and the number of observations, by day and period."""
    taken: dict[tuple[date, str], list[float]] = {}
    for time, speed in zip(pd.DatetimeIndex(speeds.index).tz_convert(LOS_ANGELES), speeds, strict=True):
        if not math.isnan(speed):
            taken.setdefault((time.date(), period_of(time)), []).append(1 / speed)
    found = {}
    for key, travel_times in taken.items():
        mean, planned = np.mean(travel_times), np.percentile(travel_times, percentile * 100)
        free = 1 / free_flow_kmh
        found[key] = (float(mean / free), float(planned / free), float((planned - mean) / mean), len(travel_times))
    return found


@pytest.mark.parametrize("weeks", [0, 34], ids=["spring", "autumn"])
async def test_reliability_is_fhwas_across_a_change_of_the_clock(city: City, shared_data: Path, weeks: int) -> None:
    speeds = real_speeds(shared_data, "2012-03-10", "2012-03-12", timedelta(weeks=weeks)).iloc[:, :6]
    free_flow, readings = {}, []
    for number, name in enumerate(speeds.columns):
        own = 100.0 + number if number % 2 else None
        sensor = await city.sensor(name, free_flow_speed_kmh=own)
        hourly = speeds[name].resample("1h").mean().dropna()
        free_flow[sensor] = own or float(np.percentile(hourly, 85))
        readings += [
            Reading(sensor, time.to_pydatetime(), None if math.isnan(speed) else speed)
            for time, speed in zip(pd.DatetimeIndex(speeds.index), speeds[name], strict=True)
        ]
    await city.read(readings)
    days = sorted({time.date() for time in pd.DatetimeIndex(speeds.index).tz_convert(LOS_ANGELES)})
    for percentile in (0.95, 0.8):
        await city.compute(*days, time_zone="America/Los_Angeles", planning_percentile=percentile)
        rows = await city.rows("SELECT * FROM reliability_daily")
        expected = {
            (sensor, *key): pytest.approx(index, rel=1e-5, abs=1e-6)
            for (sensor, kmh), name in zip(free_flow.items(), speeds.columns, strict=True)
            for key, index in reliability(speeds[name], kmh, percentile).items()
        }
        columns = ("travel_time_index", "planning_time_index", "buffer_index", "buckets")
        assert {
            (row["sensor_id"], row["day"], row["period"]): tuple(row[name] for name in columns) for row in rows
        } == expected
        assert {(row["planning_percentile"], row["time_zone"], row["good_share"]) for row in rows} == {
            (percentile, "America/Los_Angeles", 1.0)
        }
    assert {key[1:] for key in expected} >= {(days[0], "weekend"), (days[1], "overnight"), (days[2], "am peak")}


async def test_an_hour_at_half_the_free_flow_speed_costs_20_vehicle_hours(city: City) -> None:
    sensor = await city.sensor("one", length_m=1000, free_flow_speed_kmh=60)
    await city.read(every_5_minutes(sensor, START, [30.0] * 12 + [60.0] * 6 + [75.0] * 6, 1200))
    await city.compute(DAY)
    found = await city.row("SELECT * FROM delay_daily")
    assert (found["day"], found["buckets"], found["good_share"], found["delay_speed_ratio"]) == (DAY, 24, 1, 1)
    assert found["vehicle_hours_of_delay"] == pytest.approx(1200 * (1 / 30 - 1 / 60))
    assert found["vehicle_hours"] == pytest.approx(1200 / 30 + 600 / 60 + 600 / 75)
    assert found["vehicle_km"] == pytest.approx(2400)
    assert found["delay_s_per_vehicle"] == pytest.approx(60 / 2)  # mean with the hour of free flow
    await city.compute(DAY, delay_speed_ratio=0.75)  # 45 km/h
    found = await city.row("SELECT * FROM delay_daily")
    assert found["vehicle_hours_of_delay"] == pytest.approx(1200 * (1 / 30 - 1 / 45))
    assert found["delay_speed_ratio"] == 0.75


async def test_without_counts_only_the_delay_of_one_vehicle_is_known(city: City) -> None:
    sensor = await city.sensor("one", length_m=2000, free_flow_speed_kmh=60)
    await city.sensor("silent", length_m=2000, free_flow_speed_kmh=60)
    await city.read(every_5_minutes(sensor, START, [30.0, None, 30.0, None]))
    await city.compute(DAY)
    found = await city.row("SELECT * FROM delay_daily")
    assert [found[name] for name in ("vehicle_hours_of_delay", "vehicle_hours", "vehicle_km")] == [None] * 3
    assert found["delay_s_per_vehicle"] == pytest.approx(120)
    assert (found["sensor_id"], found["buckets"]) == (sensor, 2)


async def test_buckets_without_a_speed_and_flagged_readings_cost_nothing(city: City) -> None:
    sensor = await city.sensor("one", length_m=1000, free_flow_speed_kmh=60)
    readings = list(every_5_minutes(sensor, START, [30.0] * 6 + [None] * 6, 1200))
    flagged = [
        Reading(sensor, START + n * FIVE_MINUTES + timedelta(seconds=30), 3.0, 9000, flag)
        for n, flag in enumerate(Flag)
    ]
    await city.read(readings + flagged)
    await city.compute(DAY)
    found = await city.row("SELECT * FROM delay_daily")
    assert found["vehicle_hours_of_delay"] == pytest.approx(600 * (1 / 30 - 1 / 60))
    assert found["vehicle_km"] == pytest.approx(600)
    assert (found["buckets"], found["good_share"]) == (6, pytest.approx(12 / 15))
    reliable = await city.row("SELECT * FROM reliability_daily")
    assert (reliable["travel_time_index"], reliable["planning_time_index"], reliable["buckets"]) == (2, 2, 6)
    assert reliable["good_share"] == pytest.approx(12 / 15)


async def test_a_standstill_counts_as_a_mile_an_hour(city: City) -> None:
    sensor = await city.sensor("one", length_m=1000, free_flow_speed_kmh=60)
    await city.read(every_5_minutes(sensor, START, [0.0] * 2, 1200))
    await city.compute(DAY)
    found = await city.row("SELECT * FROM delay_daily")
    assert found["vehicle_hours_of_delay"] == pytest.approx(200 * (1 / 1.6 - 1 / 60))


async def three_links(city: City) -> list[int]:
    """1, 2 and 3 km at 60, 40 and 30 km/h; in the second 5 minutes the last one is silent."""
    columns: dict[str, Any] = {"road": "A1", "direction": "N", "lon": -73.9}
    sensors = [
        await city.sensor(str(km), lat=40 + km / 100, length_m=km * 1000, free_flow_speed_kmh=90 - 10 * km, **columns)
        for km in (1, 2, 3)
    ]
    series = zip(sensors, ([60.0, 60.0], [40.0, 40.0], [30.0]), strict=True)
    await city.read(reading for sensor, speeds in series for reading in every_5_minutes(sensor, START, speeds))
    await city.compute(DAY)
    return sensors


async def test_a_corridor_takes_the_sum_of_its_links_and_a_silent_one_takes_the_others_pace(city: City) -> None:
    await three_links(city)
    full, partial = await city.rows("SELECT * FROM corridor_travel_times ORDER BY time")
    assert (full["corridor"], full["time"], full["length_m"], full["imputed_share"]) == ("A1 N", START, 6000, 0)
    assert full["travel_time_s"] == pytest.approx(60 + 180 + 360)
    assert full["travel_time_index"] == pytest.approx(600 / (3600 * (1 / 80 + 2 / 70 + 3 / 60)))
    assert (partial["length_m"], partial["imputed_share"], partial["good_share"]) == (6000, 0.5, 1)
    assert partial["travel_time_s"] == pytest.approx((60 + 180) * 2)
    assert partial["travel_time_index"] == pytest.approx(240 / (3600 * (1 / 80 + 2 / 70)))


async def test_the_scan_shows_each_link_at_its_place_with_its_share_of_free_flow(city: City) -> None:
    sensors = await three_links(city)
    rows = await city.rows("SELECT * FROM congestion_scan WHERE time = %s ORDER BY ordinal", START)
    assert [(row["sensor_id"], row["ordinal"], row["speed_kmh"]) for row in rows] == [
        (sensor, number + 1, speed) for number, (sensor, speed) in enumerate(zip(sensors, (60, 40, 30), strict=True))
    ]
    assert [row["position_m"] for row in rows] == pytest.approx([n * METRES_PER_DEGREE / 100 for n in range(3)])
    assert [row["speed_ratio"] for row in rows] == pytest.approx([60 / 80, 40 / 70, 30 / 60])
    assert {row["good_share"] for row in rows} == {1}


async def test_sensors_stand_in_the_direction_of_travel(city: City) -> None:
    places = {"a": (40.02, -73.90), "b": (40.01, -73.91), "c": (40.03, -73.93)}
    for direction in "NSEW":
        for name, (lat, lon) in places.items():
            columns = {"road": "A1", "direction": direction, "lat": lat, "lon": lon}
            last = await city.sensor(f"{direction}{name}", **columns)
    await city.read([Reading(last, START, 50.0)])
    await city.compute(DAY)
    rows = await city.rows(
        "SELECT direction, string_agg(right(name, 1), '' ORDER BY ordinal) AS sensors "
        "FROM measures.links JOIN sensors ON id = sensor_id GROUP BY direction"
    )
    assert {row["direction"]: row["sensors"] for row in rows} == {"N": "bac", "S": "cab", "E": "cba", "W": "abc"}


async def test_a_city_without_readings_has_its_sensors_in_place_and_no_measures(city: City) -> None:
    await city.corridor("A1", [0, 1])
    assert await compute_changed_days(city.connection, UTC_CITY) == []
    await city.compute(DAY)
    assert [row["ordinal"] for row in await city.rows("SELECT * FROM measures.links ORDER BY sensor_id")] == [1, 2]
    assert await everything(city) == {name: [] for name in MEASURES}


async def test_a_detector_stands_for_the_road_half_way_to_its_neighbours(city: City) -> None:
    await city.corridor("A1", [0, 1, 3], length_m=None)
    alone = await city.sensor("alone", lat=40, lon=-70)
    await city.read([Reading(alone, START, 50.0)])
    await city.compute(DAY)
    rows = await city.rows("SELECT length_m, position_m FROM measures.links ORDER BY sensor_id")
    assert [row["length_m"] for row in rows[:3]] == pytest.approx([500, 1500, 1000], rel=1e-6)
    assert [row["position_m"] for row in rows[:3]] == pytest.approx([0, 1000, 3000], rel=1e-6)
    assert rows[3] == {"length_m": None, "position_m": None}


async def test_a_link_that_has_never_moved_leaves_the_measures_of_the_others_alone(city: City) -> None:
    first, second = await city.corridor("A1", [0, 1])
    await city.read([*every_5_minutes(first, START, [50.0] * 12), *every_5_minutes(second, START, [0.0] * 12)])
    await city.compute(DAY)
    assert first in {row["sensor_id"] for row in await city.rows("SELECT sensor_id FROM reliability_daily")}
    rows = await city.rows("SELECT * FROM corridor_travel_times")
    assert [row["travel_time_s"] for row in rows] == pytest.approx([72 + 3600 / 1.6] * 12)


async def test_links_without_a_free_flow_speed_are_no_part_of_the_travel_time_index(city: City) -> None:
    first, new = await city.corridor("A1", [0, 1])
    await city.read(every_5_minutes(first, START, [50.0] * 12))
    await city.compute(DAY)
    await city.read(
        [*every_5_minutes(first, START + hours(1), [25.0]), *every_5_minutes(new, START + hours(1), [25.0])]
    )
    found = await city.row("SELECT * FROM corridor_travel_times WHERE time = %s", START + hours(1))
    assert found["travel_time_s"] == pytest.approx(2 * 144)
    assert found["travel_time_index"] == pytest.approx(2)


async def test_the_health_of_a_sensor_is_that_of_its_last_24_hours(city: City) -> None:
    names = ("good", "half", "silent", "stuck", "flagged", "never")
    sensors = {name: await city.sensor(name) for name in names}
    start, buckets = MIDNIGHT - timedelta(days=2), range(3 * 288)
    speeds = {name: [50.0 + n % 2 for n in buckets] for name in names[:-1]}
    speeds["half"][2 * 288 + 144 :] = []
    speeds["silent"][2 * 288 :] = []
    speeds["stuck"][-36:] = [50.0] * 36
    readings = [
        reading for name, series in speeds.items() for reading in every_5_minutes(sensors[name], start, series)
    ]
    last_day = [n for n, row in enumerate(readings) if row.sensor_id == sensors["flagged"] and row.time >= MIDNIGHT]
    for number, flag in zip(last_day, [1] * 20 + [2] * 30, strict=False):
        readings[number] = readings[number]._replace(flag=flag)
    await city.read(readings)
    await city.compute(DAY)
    rows = {row["name"]: row for row in await city.rows("SELECT * FROM sensor_health")}
    columns = (
        *("expected_readings", "readings", "reporting_share", "good_share"),
        *("implausible", "stuck", "stuck_hours", "healthy"),
    )
    found = {name: tuple(row[column] for column in columns) for name, row in rows.items()}
    assert found == {
        "good": (288, 288, 1, 1, 0, 0, 0, True),
        "half": (288, 144, 0.5, 1, 0, 0, 0, False),
        "silent": (288, 0, 0, None, 0, 0, 0, False),
        "stuck": (288, 288, 1, 1, 0, 0, 3, False),
        "flagged": (288, 288, 1, pytest.approx(238 / 288), 20, 30, 0, False),
        "never": (None, 0, None, None, 0, 0, 0, found["never"][-1]),
    }
    assert not found["never"][-1]
    seen = {"half": MIDNIGHT + hours(12) - FIVE_MINUTES, "silent": MIDNIGHT - FIVE_MINUTES, "never": None}
    newest = MIDNIGHT + hours(24) - FIVE_MINUTES
    assert {name: row["last_seen"] for name, row in rows.items()} == {name: seen.get(name, newest) for name in names}


@pytest.mark.parametrize("hours_since", [6, 22], ids=["soon", "late"])
async def test_a_feed_that_begins_to_send_more_often_is_as_complete_as_it_was(city: City, hours_since: int) -> None:
    names = ("well", "gaps")
    sensors = {name: await city.sensor(name) for name in names}
    start, change = MIDNIGHT - timedelta(days=2), MIDNIGHT + hours(24 - hours_since)
    often = [change + timedelta(seconds=30 * number) for number in range(hours_since * 120)]
    readings: list[Reading] = []
    for name, sensor in sensors.items():
        readings += every_5_minutes(sensor, start, [50.0 + n % 2 for n in range((change - start) // FIVE_MINUTES)])
        readings += [
            Reading(sensor, time, 60.0 + time.second) for time in often if name == "well" or time.minute < 30
        ]
    await city.read(readings)
    await city.compute(DAY)
    found = {row["name"]: row for row in await city.rows("SELECT * FROM sensor_health")}
    assert (found["well"]["reporting_share"], found["well"]["healthy"]) == (1, True)
    assert found["gaps"]["reporting_share"] == pytest.approx(1 - hours_since / 48)
    assert not found["gaps"]["healthy"]


async def test_conditions_are_those_of_the_newest_good_reading(city: City) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    shares = [n / 40 for n in range(49)] + [least + step for _, least in LEAST_RATIO for step in (-0.001, 0.001)]
    sensors = {await city.sensor(f"{share:.4f}", free_flow_speed_kmh=100): share for share in shares}
    readings = [Reading(sensor, now - timedelta(minutes=10), 100 * share) for sensor, share in sensors.items()]
    older = [Reading(sensor, now - timedelta(minutes=11), 1.0) for sensor in sensors]
    bad = [Reading(sensor, now - timedelta(minutes=5), 250.0, None, Flag.IMPLAUSIBLE) for sensor in sensors]
    await city.read(readings + older + bad)
    rows = await city.rows("SELECT * FROM current_conditions")
    assert len(rows) == len(sensors)
    for row in rows:
        assert row["speed_ratio"] == pytest.approx(sensors[row["sensor_id"]], abs=1e-6)
        assert row["level_of_service"] == level_of_service(row["speed_ratio"])
        assert row["time"] == now - timedelta(minutes=10)
        assert timedelta(minutes=10) <= row["age"] < timedelta(minutes=11)


async def test_sql_and_python_agree_on_the_level_of_service(city: City) -> None:
    ratios = [n / 1000 for n in range(1300)]
    rows = await city.rows("SELECT ratio, level_of_service(ratio) FROM unnest(%s::float8[]) AS ratio", ratios)
    assert [row["level_of_service"] for row in rows] == [level_of_service(ratio) for ratio in ratios]
    assert (await city.row("SELECT level_of_service(NULL)"))["level_of_service"] is None


async def outdate(city: City) -> None:
    """As if everything had been computed long enough ago to be computed anew."""
    await city.connection.execute("UPDATE measures.days SET computed_at = computed_at - %s", [2 * RECOMPUTE_AFTER])


MEASURES = ("reliability_daily", "delay_daily", "bottlenecks", "incident_impact")


async def everything(city: City) -> dict[str, list[dict[str, Any]]]:
    return {name: await city.rows(f"SELECT * FROM {name} AS m ORDER BY m::text") for name in MEASURES}


async def two_days(city: City) -> list[int]:
    """Two days with something to tell in every measure."""
    first, following = await city.corridor("A1", [0, 1], free_flow_speed_kmh=100)
    series = [(first, [100.0] * 12 + [40.0] * 12), (following, [100.0] * 24)]
    await city.read(
        reading
        for day in range(2)
        for sensor, speeds in series
        for reading in every_5_minutes(sensor, START + timedelta(days=day), speeds, 600)
    )
    for day in range(2):
        begin = START + timedelta(days=day, hours=1)
        await city.incident(f"i{day}", ["A1-0"], begin, begin + hours(0.5))
    return [first, following]


async def test_a_day_is_computed_once_and_anew_only_when_late_readings_changed_it(city: City) -> None:
    first, _ = await two_days(city)
    assert await compute_changed_days(city.connection, UTC_CITY) == [DAY, DAY + timedelta(days=1)]
    before = await everything(city)
    assert all(before.values())
    await outdate(city)
    assert await compute_changed_days(city.connection, UTC_CITY) == []
    await city.compute(DAY, DAY + timedelta(days=1))
    assert await everything(city) == before
    await city.read([Reading(first, START - hours(1), 50.0, 1200)])
    assert await compute_changed_days(city.connection, UTC_CITY) == []
    await outdate(city)
    assert await compute_changed_days(city.connection, UTC_CITY) == [DAY]
    after = await everything(city)
    lost = {row["day"]: row["vehicle_hours_of_delay"] for row in after["delay_daily"] if row["sensor_id"] == first}
    assert lost[DAY] - lost[DAY + timedelta(days=1)] == pytest.approx(100 * (1 / 50 - 1 / 100))
    for name in MEASURES:
        of_next_day = [[row for row in state[name] if row["day"] > DAY] for state in (before, after)]
        assert of_next_day[0] == of_next_day[1], name


async def test_rows_keep_their_definition_until_their_day_is_computed_under_another(city: City) -> None:
    await two_days(city)
    await compute_changed_days(city.connection, UTC_CITY)
    before = await everything(city)
    others: dict[str, Any] = {"planning_percentile": 0.8, "delay_speed_ratio": 0.5, "bottleneck_speed_kmh": 50.0}
    await outdate(city)
    assert await compute_changed_days(city.connection, UTC_CITY.model_copy(update=others)) == []
    assert await everything(city) == before
    await city.compute(DAY, **others)
    for name, (column, value) in zip(MEASURES, others.items(), strict=False):
        found = {row["day"]: row[column] for row in await city.rows(f"SELECT day, {column} FROM {name}")}
        assert found == {DAY: value, DAY + timedelta(days=1): before[name][0][column]}, name
    await city.compute(DAY)
    assert await everything(city) == before
    assert (await city.row("SELECT count(*) FROM measures.definitions"))["count"] == 2


async def test_a_late_reading_just_past_midnight_counts_where_days_begin_at_half_an_hour(city: City) -> None:
    settings = UTC_CITY.model_copy(update={"time_zone": "Asia/Kolkata"})
    midnight = datetime(2026, 3, 4, 18, 30, tzinfo=UTC)
    sensor = await city.sensor("one", length_m=1000, free_flow_speed_kmh=60)
    await city.read(every_5_minutes(sensor, midnight - hours(1), [30.0] * 24))
    await compute_changed_days(city.connection, settings)
    await city.read([Reading(sensor, midnight + timedelta(seconds=1), 10.0)])
    await outdate(city)
    assert DAY + timedelta(days=1) in await compute_changed_days(city.connection, settings)


async def test_a_late_reading_leaves_measures_alone_whose_5_minutes_are_no_longer_kept(city: City) -> None:
    month = timedelta(days=30)
    settings = Settings(time_zone="UTC", readings_retention=month, rollups_5m_retention=month)
    sensor = await city.sensor("one", length_m=1000, free_flow_speed_kmh=60)
    await city.read(every_5_minutes(sensor, START, [30.0] * 12))
    await compute_changed_days(city.connection, UTC_CITY)
    before = await everything(city)
    await city.read([Reading(sensor, datetime.now(UTC) - hours(1), 60.0)])
    await city.engine.retire(city.connection, Retention.of(settings))
    if city.engine.name == "timescaledb":
        await city.rows("SELECT drop_chunks('rollup.readings_5m', interval '30 days')")
    await city.connection.execute("UPDATE measures.days SET readings = readings - 1")  # as if one had come late
    await outdate(city)
    await compute_changed_days(city.connection, settings)
    after = await everything(city)
    assert {name: [row for row in rows if row["day"] == DAY] for name, rows in after.items()} == before
