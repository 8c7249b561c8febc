"""A sensor's days, from series whose trouble is known."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark.calendar import STEP_S
from spark.maintenance.health import STEPS_A_DAY, Day, days_of
from spark.reporting import Reporting
from spark.sensors import Sensor
from spark.series import Series

DAYS = 3
STEPS = DAYS * STEPS_A_DAY
SENSOR = Sensor(1, "t:1", None, None, None, None)


def said(readings: np.ndarray, *, stuck: slice | None = None, wrong: slice | None = None) -> Series:
    """5 minutes with these numbers of readings; nothing is there where there is none."""
    flags, implausible = np.zeros(STEPS, int), np.zeros(STEPS, int)
    flags[stuck or slice(0)] = 1
    implausible[wrong or slice(0)] = 30
    there, speeds = readings > 0, np.full(STEPS, 60.0)
    columns = (np.arange(STEPS) * STEP_S, speeds, speeds, flags, readings, implausible)
    return Series(SENSOR, *(column[there] for column in columns))


def feed(readings: float | np.ndarray = 30.0, silent: slice | None = None) -> Reporting:
    shares = np.ones(STEPS)
    shares[silent or slice(0)] = 0.1
    return Reporting(0, shares, np.full(STEPS, readings) if np.isscalar(readings) else np.asarray(readings))


def found(series: Series, by: Reporting) -> list[Day]:
    """The newest first."""
    return list(days_of(series, by))[::-1]


def failures(days: Sequence[Day]) -> list[tuple[int, int]]:
    return [(day.silences, day.stucks) for day in days]


def test_a_healthy_sensor_works_all_day_and_misses_nothing() -> None:
    days = found(said(np.full(STEPS, 30)), feed())
    seen = [(day.day, day.working, day.missing, day.implausible) for day in days]
    assert seen == [(number, 1, 0, 0) for number in range(DAYS)]
    assert failures(days) == [(0, 0)] * DAYS
    assert not any(day.lasts for day in days)


@given(begin=st.integers(1, STEPS - 40), steps=st.integers(1, 30))
def test_half_an_hour_of_silence_is_a_failure_on_the_day_it_began(begin: int, steps: int) -> None:
    readings = np.full(STEPS, 30)
    readings[begin : begin + steps] = 0
    days = found(said(readings), feed())
    day = (STEPS - 1 - begin) // STEPS_A_DAY
    if steps < 6:
        assert failures(days) == [(0, 0)] * DAYS
    else:
        assert sum(one.silences for one in days) == days[day].silences == 1
        assert days[day].silent_h == pytest.approx(steps / 12)
        assert days[day].last_failure == begin * STEP_S
        assert sum(one.working for one in days) == pytest.approx((STEPS - steps) / STEPS_A_DAY)
        assert all(one.missing == 0 for one in days)


def test_a_gap_of_the_whole_feed_is_nobodys_fault() -> None:
    gap = slice(100, 200)
    readings = np.full(STEPS, 30)
    readings[gap] = 0
    days = found(said(readings), feed(silent=gap))
    assert failures(days) == [(0, 0)] * DAYS
    assert [day.missing for day in days] == [0] * DAYS
    assert days[-1].working == pytest.approx(1 - 100 / STEPS_A_DAY)


def test_a_share_of_readings_missed_is_told_whether_in_5_minutes_or_of_them() -> None:
    within, of = np.full(STEPS, 30), np.full(STEPS, 1)
    within[-STEPS_A_DAY:] = 24
    of[-STEPS_A_DAY::5] = 0
    for readings, usual in ((within, 30.0), (of, 1.0)):
        days = found(said(readings), feed(usual))
        assert [day.missing for day in days] == pytest.approx([0.2, 0, 0], abs=0.005)
        assert failures(days) == [(0, 0)] * DAYS


def test_neither_a_sensors_own_rate_nor_another_of_the_feed_is_a_fault() -> None:
    changed = np.where(np.arange(STEPS) < STEPS // 2, 1, 30)
    assert [day.missing for day in found(said(changed * 2), feed(changed))] == [0] * DAYS
    slower = np.where(np.arange(STEPS) % 3 == 0, 1, 0)
    assert [day.missing for day in found(said(slower), feed(1.0))] == [0] * DAYS


def test_stuck_and_implausible_readings_are_told_apart() -> None:
    days = found(said(np.full(STEPS, 30), stuck=slice(300, 324), wrong=slice(-3, None)), feed())
    assert failures(days) == [(0, 0), (0, 1), (0, 0)]
    assert days[1].stuck_h == pytest.approx(2)
    assert days[0].implausible == pytest.approx(3 / STEPS_A_DAY)


def test_a_silence_that_lasts_is_told_and_a_sensor_is_known_from_its_first_reading_on() -> None:
    readings = np.full(STEPS, 30)
    readings[: STEPS_A_DAY + 10] = 0
    readings[-20:] = 0
    days = found(said(readings), feed())
    assert len(days) == 2
    assert (days[0].lasts, days[0].silences, days[1].silences) == (True, 1, 0)
