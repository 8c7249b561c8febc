"""The watch over a city, reading by reading, without Spark."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark.anomalies.alarms import Change
from spark.anomalies.band import SLOTS, Band
from spark.anomalies.live import Watch
from spark.calendar import Calendar
from spark.sensors import Sensor

MONDAY = datetime(2026, 3, 2, tzinfo=UTC).timestamp()
IDS = np.arange(1, 22)
NORMAL, SPREAD, STEP = 80.0, 5.0, 30.0
UTC_DAYS = Calendar("UTC", "DE")


def watch(stuck_after: timedelta | None = timedelta(hours=1)) -> Watch:
    """Of 21 sensors, of which the first three stand along one road; normal is the same at all times."""
    sensors = [Sensor(int(n), f"s{n}", None, None, "Road N" if n <= 3 else None, int(n)) for n in IDS]
    known = np.full((2, SLOTS, len(IDS)), np.float32(NORMAL))
    known[1] = SPREAD
    return Watch(sensors, Band(IDS, *known), UTC_DAYS, stuck_after)


def told(
    city: Watch, steps: Iterable[int], speeds: dict[int, float | None] | None = None, normal: float = NORMAL
) -> list[Change]:
    """What changes while all say what is normal, give and take, but those of `speeds`, of whom None is silent."""
    speeds, changes = speeds or {}, []
    for step in steps:
        said = {int(n): speeds.get(int(n), normal + (n + step) % 3) for n in IDS}
        speaking = np.array([number for number, speed in said.items() if speed is not None])
        values = np.array([said[int(number)] for number in speaking], float)
        epochs = np.full(len(speaking), MONDAY + step * STEP)
        changes += city.see(speaking, epochs, values, np.full(len(speaking), 600.0 + step % 7))
    return changes


def test_a_sensor_far_below_normal_is_told_within_two_minutes_and_its_end_too() -> None:
    city = watch()
    assert told(city, range(40)) == []
    [begun] = told(city, range(40, 44), {5: 20.0})
    assert (begun.sensor_id, begun.kind, begun.begins, begun.end) == (5, "speed_drop", True, None)
    assert begun.start == MONDAY + 40 * STEP
    assert begun.expected == pytest.approx(80, abs=2)
    assert begun.observed == 20.0
    changes = told(city, range(44, 80))
    assert changes[-1].end is not None
    assert not changes[-1].begins
    assert changes[-1].start == begun.start


def test_a_sudden_drop_within_the_normal_band_is_told() -> None:
    city = watch()
    told(city, range(60))
    [begun] = told(city, range(60, 66), {5: 60.0})
    assert (begun.sensor_id, begun.kind) == (5, "speed_drop")


def test_a_road_that_is_slower_today_is_not_told() -> None:
    city = watch()
    told(city, range(120))
    for hour in range(1, 6):
        steps = range(hour * 120, hour * 120 + 120)
        assert "speed_drop" not in {change.kind for change in told(city, steps, {5: 75.0 - 2 * hour})}


def test_what_slows_the_whole_city_is_no_anomaly_of_any_sensor() -> None:
    city = watch()
    told(city, range(40))
    assert told(city, range(40, 120), normal=40.0) == []


def test_a_sensor_that_is_unlike_its_neighbours_for_hours_is_told_for_that() -> None:
    city = watch()
    kinds = {change.kind for change in told(city, range(300), {2: 140.0})}
    assert kinds == {"speed_rise", "unlike_neighbours"}


def test_a_silent_sensor_is_told_while_most_others_report_and_ends_when_it_is_heard() -> None:
    city = watch()
    told(city, range(20))
    [begun] = told(city, range(20, 100), {7: None})
    assert (begun.sensor_id, begun.kind, begun.start) == (7, "silent", MONDAY + 19 * STEP)
    [ended] = told(city, [100])
    assert (ended.kind, ended.end) == ("silent", MONDAY + 100 * STEP)


def test_a_feed_that_is_silent_is_nobodys_fault() -> None:
    city = watch()
    told(city, range(20))
    assert told(city, range(400, 410)) == []


def test_a_sensor_that_repeats_itself_longer_than_ingest_allows_is_stuck_until_it_stirs() -> None:
    city, changes = watch(timedelta(minutes=30)), []
    for step in range(90):
        speed = np.array([79.0 if step <= 80 else 78.0])
        changes += city.see(np.array([9]), np.array([MONDAY + step * STEP]), speed, np.array([500.0]))
    assert {change.kind for change in changes} == {"stuck"}
    assert [change.begins for change in changes].count(True) == 1
    assert changes[-1].end == MONDAY + 81 * STEP


def test_a_feed_of_five_minutes_is_watched_as_well() -> None:
    city = watch()
    told(city, range(0, 400, 10))
    [begun] = told(city, range(400, 420, 10), {5: 20.0})
    assert (begun.sensor_id, begun.start) == (5, MONDAY + 400 * STEP)


def test_unknown_sensors_and_what_came_before_change_nothing() -> None:
    city = watch()
    told(city, range(40))
    before = city.state()
    late = city.see(
        np.array([5, 99]), np.array([MONDAY, MONDAY + 9e6]), np.array([1.0, 1.0]), np.array([np.nan, 1.0])
    )
    assert late == []
    assert city.state() == before


def test_sensors_without_a_band_are_watched_for_silence_alone() -> None:
    sensors = [Sensor(int(n), f"s{n}", None, None, None, None) for n in IDS]
    none = np.empty((SLOTS, 0), np.float32)
    city = Watch(sensors, Band(np.array([], int), none, none), UTC_DAYS)
    told(city, range(40))
    kinds = {change.kind for change in told(city, range(40, 120), {5: 3.0, 7: None})}
    assert kinds == {"silent"}


@settings(deadline=None, max_examples=20)
@given(cut=st.integers(1, 119))
def test_it_goes_on_from_its_state_as_if_it_had_never_stopped(cut: int) -> None:
    speeds: dict[int, float | None] = {5: 20.0, 7: None, 2: 140.0}
    whole, first, second = watch(), watch(), watch()
    expected = told(whole, range(40)) + told(whole, range(40, 120), speeds)
    found = told(first, range(min(cut, 40)))
    found += told(first, range(40, cut), speeds)
    second.go_on_from(first.state())
    found += told(second, range(cut, 40))
    found += told(second, range(max(cut, 40), 120), speeds)
    assert found == expected
    assert len(second.state()) < 200 * len(IDS) * 8


def test_new_sensors_are_taken_in_with_the_state_of_the_others() -> None:
    city = watch()
    told(city, range(40))
    told(city, range(40, 44), {5: 20.0})
    sensors = [Sensor(int(n), f"s{n}", None, None, None, None) for n in range(3, 40)]
    band = np.full((2, SLOTS, 37), np.float32(NORMAL))
    band[1] = SPREAD
    larger = Watch(sensors, Band(np.arange(3, 40), *band), UTC_DAYS)
    larger.go_on_from(city.state())
    assert told(larger, range(44, 50), {5: 20.0}) == []
    assert told(larger, range(50, 80))[-1].sensor_id == 5
