"""Bottlenecks and what incidents cost, on corridors whose queues are made by hand."""

import random
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import pytest

from schema.measures import compute_changed_days
from schema.rollups import FIVE_MINUTES
from tests.schema.city import City, Reading, city_at, every_5_minutes, hours
from urbanclear.settings import Settings

DAY = date(2026, 3, 4)  # a Wednesday
START = datetime(2026, 3, 4, 8, tzinfo=UTC)
FREE, SLOW = 100.0, 40.0
ACTIVATIONS = "SELECT * FROM bottlenecks ORDER BY started_at, sensor_id"


@pytest.fixture
async def city(database_url: str) -> AsyncIterator[City]:
    async with city_at(database_url) as made:
        yield made


async def head_and_next(city: City, road: str, head: str, km: float = 1) -> tuple[int, list[Reading]]:
    """A sensor that is slow where `head` has a 1, with a fast one downstream; its id and the readings of both."""
    first, following = await city.corridor(road, [0, km], free_flow_speed_kmh=FREE)
    speeds = [SLOW if mark == "1" else FREE for mark in head]
    fast = every_5_minutes(following, START, [FREE] * len(head), 1200)
    return first, [*every_5_minutes(first, START, speeds, 1200), *fast]


async def found_activations(city: City, heads: dict[int, str]) -> dict[int, list[tuple[int, int, int]]]:
    """First bucket, bucket after the last and minutes of each activation in the view, by head."""
    found: dict[int, list[tuple[int, int, int]]] = {sensor: [] for sensor in heads}
    for row in await city.rows(ACTIVATIONS):
        first, after = ((row[end] - START) // FIVE_MINUTES for end in ("started_at", "ended_at"))
        found[row["sensor_id"]].append((first, after, row["active_minutes"]))
    return found


async def test_a_queue_that_grows_upstream_is_one_activation_of_its_head(city: City) -> None:
    sensors = await city.corridor("A1", range(6), free_flow_speed_kmh=FREE)
    calm = [FREE] * 6
    slow_from_bucket = {4: 0, 3: 3, 2: 6, 1: 9}
    speeds = {
        place: [SLOW if bucket >= first else FREE for bucket in range(12)]
        for place, first in slow_from_bucket.items()
    }
    speeds[0] = [60.0] * 9 + [FREE] * 3  # congested too, with free flow between it and the queue
    speeds[1][:9] = [90.0] * 9
    speeds[5] = [FREE] * 12
    await city.read(
        reading
        for place, sensor in enumerate(sensors)
        for reading in every_5_minutes(
            sensor, START - 6 * FIVE_MINUTES, [*calm, *speeds[place], *calm], volume_vph=1200
        )
    )
    await city.compute(DAY)
    found = await city.row(ACTIVATIONS)
    assert (found["sensor_id"], found["corridor"], found["day"], found["rank"]) == (sensors[4], "A1 N", DAY, 1)
    assert (found["started_at"], found["ended_at"], found["active_minutes"]) == (START, START + hours(1), 60)
    assert found["position_m"] == pytest.approx(4000)
    links = 3 * (1 + 2 + 3 + 4)  # slow ones, in all buckets
    assert found["mean_extent_m"] == pytest.approx(links / 12 * 1000)
    assert found["max_extent_m"] == pytest.approx(4000)
    assert found["vehicle_hours_of_delay"] == pytest.approx(links * 100 * (1 / SLOW - 1 / FREE))
    assert found["delay_s_per_vehicle"] == pytest.approx(links / 12 * (1 / SLOW - 1 / FREE) * 3600)
    assert found["good_share"] == 1


EXPECTED = {
    "1111000000": [],
    "1010101": [],  # 4 of 7
    "11001100110011": [],
    "111100011110": [],
    "1101011": [(0, 7, 25)],  # 5 of 7
    "11111": [(0, 5, 25)],
    "1111001": [(0, 7, 25)],
    "11111" + "0" * 7 + "111111": [(0, 5, 25), (12, 18, 30)],
}


async def test_it_is_active_where_5_of_7_buckets_show_the_drop(city: City) -> None:
    heads, readings = {}, []
    for head in EXPECTED:
        sensor, written = await head_and_next(city, f"R{head}", head)
        heads[sensor] = head
        readings += written
    await city.read(readings)
    await city.compute(DAY)
    assert await found_activations(city, heads) == {sensor: EXPECTED[head] for sensor, head in heads.items()}


def activations(head: str) -> list[tuple[int, int, int]]:
    """First bucket, bucket after the last and minutes of each activation, by looking at every window of 7."""
    active = sorted(
        {
            bucket
            for first in range(-6, len(head))
            for window in [range(max(first, 0), min(first + 7, len(head)))]
            if sum(head[bucket] == "1" for bucket in window) >= 5
            for bucket in window
            if head[bucket] == "1"
        }
    )
    runs: list[list[int]] = []
    for bucket in active:
        if runs and bucket - runs[-1][-1] <= 6:
            runs[-1].append(bucket)
        else:
            runs.append([bucket])
    return [(run[0], run[-1] + 1, 5 * len(run)) for run in runs]


async def test_activations_of_random_queues_are_those_found_window_by_window(city: City) -> None:
    chance = random.Random(1)
    heads, readings = {}, []
    for road in range(12):
        head = "".join(chance.choices("01", [1, 1 + road % 3], k=100))
        sensor, written = await head_and_next(city, f"R{road}", head)
        heads[sensor] = head
        readings += written
    await city.read(readings)
    await city.compute(DAY)
    expected = {sensor: activations(head) for sensor, head in heads.items()}
    assert await found_activations(city, heads) == expected
    assert sum(map(len, expected.values())) > 12


async def test_a_sensor_more_than_3_miles_downstream_shows_nothing(city: City) -> None:
    near, readings = await head_and_next(city, "near", "1111111", 4.8)  # 3 miles are 4.828 km
    _, others = await head_and_next(city, "far", "1111111", 4.86)
    await city.read(readings + others)
    await city.compute(DAY)
    assert (await city.row(ACTIVATIONS))["sensor_id"] == near


async def test_it_takes_less_than_40_mph_and_a_rise_of_20_mph(city: City) -> None:
    cases = {(40.0, 72.0): False, (40.0, 72.3): True, (64.3, 100.0): True, (64.5, 100.0): False}
    expected, readings = [], []
    for (speed, downstream), is_head in cases.items():
        first, following = await city.corridor(f"{speed}-{downstream}", [0, 1])
        readings += [
            *every_5_minutes(first, START, [speed] * 6),
            *every_5_minutes(following, START, [downstream] * 6),
        ]
        expected += [first] * is_head
    await city.read(readings)
    await city.compute(DAY)
    assert [row["sensor_id"] for row in await city.rows(ACTIVATIONS)] == expected


async def test_past_a_silent_sensor_the_next_one_that_reports_is_compared(city: City) -> None:
    first, _, last = await city.corridor("A1", [0, 1, 2], free_flow_speed_kmh=FREE)
    await city.read([*every_5_minutes(first, START, [SLOW] * 6), *every_5_minutes(last, START, [FREE] * 6)])
    await city.compute(DAY)
    found = await city.row(ACTIVATIONS)
    assert (found["sensor_id"], found["vehicle_hours_of_delay"]) == (first, None)
    assert found["delay_s_per_vehicle"] == pytest.approx((1 / SLOW - 1 / FREE) * 3600)


async def test_activations_of_a_day_are_ranked_by_delay_and_those_without_counts_come_last(city: City) -> None:
    short, readings = await head_and_next(city, "A1", "111111")
    long, others = await head_and_next(city, "A2", "1" * 12)
    uncounted, following = await city.corridor("A3", [0, 1], free_flow_speed_kmh=FREE)
    slowest = [*every_5_minutes(uncounted, START, [5.0] * 20), *every_5_minutes(following, START, [FREE] * 20)]
    await city.read([*readings, *others, *slowest])
    await city.compute(DAY)
    ranked = await city.rows("SELECT sensor_id, rank FROM bottlenecks WHERE day = %s ORDER BY rank", DAY)
    assert [(row["sensor_id"], row["rank"]) for row in ranked] == [(long, 1), (short, 2), (uncounted, 3)]


NORMAL = 60.0


def days_before(sensor: int) -> list[Reading]:
    """`NORMAL` at 8 to 10 h of the weekdays in 10 days; other hours and weekends are slower or faster."""
    readings: list[Reading] = []
    for back in range(1, 11):
        start = START - timedelta(days=back) - hours(1)
        speeds = [90.0] * 48 if start.weekday() >= 5 else [80.0] * 12 + [NORMAL] * 24 + [20.0] * 12
        readings += every_5_minutes(sensor, start, speeds, 600)
    return readings


async def test_an_incident_costs_what_it_took_against_the_same_hours_of_other_weekdays(city: City) -> None:
    sensor = await city.sensor("one", length_m=1000, free_flow_speed_kmh=FREE)
    slow = [30.0] * 11 + [20.0]
    observed = every_5_minutes(sensor, START - hours(1), [10.0] * 12 + slow + [5.0] * 12, 600)
    await city.read([*days_before(sensor), *observed])
    await city.incident("i", ["one", "unheard"], START, START + hours(0.5))
    await city.compute(DAY)
    found = await city.row("SELECT * FROM incident_impact")
    assert (found["incident_id"], found["day"], found["sensors"], found["good_share"]) == ("i", DAY, 1, 1)
    assert found["duration_minutes"] == 30
    assert found["normal_speed_kmh"] == pytest.approx(NORMAL)
    assert found["mean_speed_kmh"] == pytest.approx((11 * 30 + 20) / 12)
    assert found["least_speed_kmh"] == 20
    lost = sum(1 / speed - 1 / NORMAL for speed in slow)
    assert found["vehicle_hours_of_delay"] == pytest.approx(50 * lost)
    assert found["delay_s_per_vehicle"] == pytest.approx(lost / 12 * 3600)


async def test_an_incident_over_two_links_delays_a_vehicle_on_both(city: City) -> None:
    readings: list[Reading] = []
    for name in ("one", "two"):
        sensor = await city.sensor(name, length_m=1000)
        readings += [*days_before(sensor), *every_5_minutes(sensor, START, [30.0] * 12, 600)]
    await city.read(readings)
    await city.incident("i", ["one", "two"], START, START + hours(0.5))
    await city.compute(DAY)
    found = await city.row("SELECT * FROM incident_impact")
    assert found["sensors"] == 2
    assert found["delay_s_per_vehicle"] == pytest.approx(2 * 60)
    assert found["vehicle_hours_of_delay"] == pytest.approx(2 * 10)


async def test_an_incident_where_normal_is_unknown_has_speeds_and_no_delay(city: City) -> None:
    sensor = await city.sensor("one", length_m=1000, free_flow_speed_kmh=FREE)
    await city.read(every_5_minutes(sensor, START, [30.0] * 12, 600))
    await city.incident("i", ["one"], START, START + hours(0.5))
    await city.compute(DAY)
    found = await city.row("SELECT * FROM incident_impact")
    assert (found["normal_speed_kmh"], found["vehicle_hours_of_delay"], found["delay_s_per_vehicle"]) == (None,) * 3
    assert (found["mean_speed_kmh"], found["least_speed_kmh"]) == (30, 30)


async def test_an_incident_without_readings_has_no_row(city: City) -> None:
    sensor = await city.sensor("one", length_m=1000)
    await city.sensor("silent", length_m=1000)
    await city.read(every_5_minutes(sensor, START, [30.0] * 12, 600))
    await city.incident("silent", ["silent"], START, START + hours(0.5))
    await city.incident("nowhere", [], START, START + hours(0.5))
    await city.incident("later", ["one"], START + hours(3), START + hours(4))
    await city.compute(DAY)
    assert await city.rows("SELECT * FROM incident_impact") == []


async def test_an_incident_that_is_not_cleared_is_counted_to_the_end_of_the_data(city: City) -> None:
    sensor = await city.sensor("one", length_m=1000)
    await city.read([*days_before(sensor), *every_5_minutes(sensor, START, [30.0] * 24, 600)])
    await city.incident("i", ["one"], START, None)
    await city.compute(DAY)
    found = await city.row("SELECT * FROM incident_impact")
    assert found["vehicle_hours_of_delay"] == pytest.approx(24 * 50 * (1 / 30 - 1 / NORMAL))


async def test_an_incident_that_lasts_past_midnight_counts_the_next_day_as_well(city: City) -> None:
    settings = Settings(time_zone="UTC", readings_retention=None, rollups_5m_retention=None)
    midnight = datetime(2026, 3, 5, tzinfo=UTC)
    sensor = await city.sensor("one", length_m=1000)
    await city.read(every_5_minutes(sensor, midnight - timedelta(days=1, hours=1), [NORMAL] * 36, 600))
    await city.read(every_5_minutes(sensor, midnight - hours(1), [30.0] * 12, 600))
    await city.incident("i", ["one"], midnight - hours(1), None)
    await compute_changed_days(city.connection, settings)
    await city.read(every_5_minutes(sensor, midnight, [30.0] * 12, 600))
    await city.connection.execute(
        "UPDATE incidents SET status = 'cleared', time = %(at)s, cleared_at = %(at)s", {"at": midnight + hours(0.5)}
    )
    await city.connection.execute("UPDATE measures.days SET computed_at = computed_at - interval '1 hour'")
    await compute_changed_days(city.connection, settings)
    found = await city.row("SELECT * FROM incident_impact")
    assert found["vehicle_hours_of_delay"] == pytest.approx(24 * 50 * (1 / 30 - 1 / NORMAL))


@pytest.mark.parametrize("zones", [("UTC", "America/New_York"), ("America/New_York", "UTC")])
async def test_another_time_zone_moves_activations_and_incidents_to_its_own_days(
    city: City, zones: tuple[str, str]
) -> None:
    night = datetime(2026, 3, 4, 2, tzinfo=UTC)  # still the day before in New York
    first, following = await city.corridor("A1", [0, 1], free_flow_speed_kmh=FREE)
    await city.read(
        [*every_5_minutes(first, night, [SLOW] * 12, 600), *every_5_minutes(following, night, [FREE] * 12, 600)]
    )
    await city.incident("i", ["A1-0"], night, night + hours(0.5))
    days = {"UTC": DAY, "America/New_York": DAY - timedelta(days=1)}
    for zone in zones:
        await city.compute(DAY - timedelta(days=1), DAY, time_zone=zone)
        for measure in ("bottlenecks", "incident_impact"):
            found = await city.rows(f"SELECT day, time_zone FROM {measure}")
            assert found == [{"day": days[zone], "time_zone": zone}], measure


async def test_flagged_readings_are_no_part_of_a_queue(city: City) -> None:
    first, following = await city.corridor("A1", [0, 1], free_flow_speed_kmh=FREE)
    await city.read(
        [
            *(Reading(first, START + n * FIVE_MINUTES, SLOW, None, 1) for n in range(12)),
            *every_5_minutes(following, START, [FREE] * 12),
        ]
    )
    await city.compute(DAY)
    assert await city.rows(ACTIVATIONS) == []
