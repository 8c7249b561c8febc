"""Stretches that are not as they normally are, in series whose trouble is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark.anomalies.band import spread_of
from spark.anomalies.stretches import deviations, level_shift, off_normal, silent, stuck, unlike
from spark.calendar import STEP_S

DAY = 288
WEEK = [0, 0, 0, 0, 0, 1, 2]  # the kinds of its days: weekdays, a Saturday, a Sunday


def steps(count: int) -> np.ndarray:
    return np.arange(count) * STEP_S


def of(speeds: np.ndarray, normal: float = 80.0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Epochs, speeds, what is expected and the deviations."""
    expected = np.full(len(speeds), normal)
    spread = spread_of(speeds, expected, expected - 5, expected + 5)
    return steps(len(speeds)), speeds, expected, deviations(speeds, expected, spread)


@given(st.integers(0, 250), st.integers(2, 30), st.sampled_from([0.1, 0.5, 1.6]))
def test_a_drop_or_rise_is_found_from_its_first_to_its_last_five_minutes(
    start: int, length: int, factor: float
) -> None:
    speeds = np.full(300, 80.0)
    speeds[start : start + length] *= factor
    [one] = off_normal(*of(speeds))
    assert one.kind == ("speed_drop" if factor < 1 else "speed_rise")
    assert (one.start, one.end) == (start * STEP_S, (start + length) * STEP_S)
    assert (one.expected, one.observed) == pytest.approx((80, 80 * factor))


def test_a_single_five_minutes_are_no_drop_and_do_not_end_one() -> None:
    speeds = np.full(300, 80.0)
    speeds[10] = 20
    assert off_normal(*of(speeds)) == []
    speeds[20:40] = 20
    speeds[30] = 80
    [one] = off_normal(*of(speeds))
    assert (one.start, one.end) == (20 * STEP_S, 40 * STEP_S)


def test_what_lasts_has_no_end_yet() -> None:
    speeds = np.full(300, 80.0)
    speeds[290:] = 20
    [one] = off_normal(*of(speeds))
    assert one.end is None


def test_a_sensor_far_off_for_hours_among_neighbours_that_are_not_is_unlike_them() -> None:
    speeds = np.full(300, 80.0)
    speeds[100:160] = 20
    normal, congested = np.zeros(300), np.where(speeds < 80, 9.0, 0.0)
    [one] = unlike(*of(speeds), normal)
    assert (one.start, one.end, one.observed) == (100 * STEP_S, 160 * STEP_S, 20)
    assert unlike(*of(speeds), congested) == []
    assert unlike(*of(speeds), np.full(300, np.nan)) == []


def test_a_lasting_change_of_speed_is_told_from_the_day_on_which_it_began() -> None:
    noise = np.random.default_rng(1).normal(0, 1, 14 * DAY)
    speeds, days, kinds = 80 + noise, np.arange(14 * DAY) // DAY, np.array([*WEEK, *WEEK])
    assert level_shift(steps(14 * DAY), speeds, days, kinds) == []
    speeds[8 * DAY :] -= 20
    [one] = level_shift(steps(14 * DAY), speeds, days, kinds)
    assert (one.start, one.end) == (8 * DAY * STEP_S, None)
    assert one.expected == pytest.approx(80, abs=0.5)
    assert one.observed == pytest.approx(60, abs=0.5)


@pytest.mark.parametrize("kinds", [WEEK, [0, 0, 0, 2, 0, 1, 2], [0, 0, 0, 2, 2, 1, 2], [1, 2, 2, 0, 0, 0, 0]])
def test_a_week_whose_holiday_and_weekend_are_at_one_end_has_no_lasting_change(kinds: list[int]) -> None:
    noise = np.random.default_rng(1).normal(0, 1, 7 * DAY)
    days = np.arange(7 * DAY) // DAY
    speeds = np.array([37.0, 60.0, 69.0])[kinds][days] + noise
    assert level_shift(steps(7 * DAY), speeds, days, np.array(kinds)) == []


def test_a_sensor_that_says_nothing_is_silent_unless_all_do() -> None:
    epochs, last = steps(300), 299 * STEP_S
    gone = np.delete(epochs, range(100, 130))
    [one] = silent(gone, np.ones(300), 0, last)
    assert (one.start, one.end) == (100 * STEP_S, 130 * STEP_S)
    assert one.score == pytest.approx(2.5)
    outage = np.ones(300)
    outage[95:140] = 0.1
    assert silent(gone, outage, 0, last) == []
    [lasting] = silent(epochs[:200], np.ones(300), 0, last)
    assert (lasting.start, lasting.end) == (200 * STEP_S, None)
    assert silent(np.delete(epochs, range(100, 103)), np.ones(300), 0, last) == []


def test_flags_are_told_as_stretches() -> None:
    flags = np.zeros(300)
    flags[50:70] = 1
    [one] = stuck(steps(300), flags)
    assert (one.start, one.end) == (50 * STEP_S, 70 * STEP_S)
    assert one.score == pytest.approx(20 / 12)
