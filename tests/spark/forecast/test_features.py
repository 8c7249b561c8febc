"""What the models see is of the past, and survives what is missing."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spark.forecast.features import NEIGHBOURS, ahead_of, look, neighbours_of
from spark.forecast.frame import Frame
from spark.forecast.usual import Usual, quantiles, without_own_week
from spark.forecast.window import HORIZONS, STEPS_IN
from tests.spark.forecast.towns import A_DAY, town

TOWN = town(15)
USUAL = Usual.of(TOWN)
NEIGHBOURS_OF_TOWN = neighbours_of(TOWN, USUAL)


@given(end=st.integers(STEPS_IN, 14 * A_DAY), holes=st.floats(0, 1), seed=st.integers(0, 9))
def test_nothing_that_comes_after_an_hour_or_was_before_it_is_seen(end: int, holes: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    speeds = TOWN.speeds_kmh.copy()
    speeds[random.random(speeds.shape) < holes] = np.nan
    changed = np.full_like(speeds, 7)
    changed[end - STEPS_IN + 1 : end + 1] = speeds[end - STEPS_IN + 1 : end + 1]
    ends = np.array([end])
    one, other = (look(replace(TOWN, speeds_kmh=of), ends, USUAL, NEIGHBOURS_OF_TOWN) for of in (speeds, changed))
    np.testing.assert_array_equal(one.seen, other.seen)
    np.testing.assert_array_equal(one.last, other.last)
    assert np.isfinite(one.last).all()


def test_what_followed_is_told_by_sensor_and_horizon() -> None:
    found = ahead_of(TOWN, np.array([20, 30]))
    assert found.shape == (2 * 4, HORIZONS)
    np.testing.assert_array_equal(found[5], TOWN.speeds_kmh[31 : 31 + HORIZONS, 1])


@given(st.lists(st.lists(st.floats(0, 100, width=32) | st.just(float("nan")), min_size=3, max_size=3), max_size=9))
def test_quantiles_are_those_of_what_is_there(rows: list[list[float]]) -> None:
    values = np.array(rows, np.float32).reshape(-1, 3)
    found = quantiles(values, (0.1, 0.5, 0.9))
    for column in range(3):
        known = values[np.isfinite(values[:, column]), column]
        wanted = np.quantile(known, (0.1, 0.5, 0.9)) if len(known) else [np.nan] * 3
        np.testing.assert_allclose(found[:, column], wanted, rtol=1e-4, atol=1e-4)


def test_a_week_is_told_what_is_usual_by_the_other_weeks_alone() -> None:
    speeds = np.full((21 * A_DAY, 1), 60, np.float32)
    speeds[7 * A_DAY : 14 * A_DAY] = 30
    frame = Frame(TOWN.clock_s, ("t:0",), speeds)
    usual = {int(own[len(own) // 2]): found for own, found in without_own_week(frame)}
    for step, found in usual.items():
        median = found.median(frame, np.array([step]))[0, 0]
        assert median > 40 if 7 * A_DAY <= step < 14 * A_DAY else median < 60


def test_a_holiday_is_usual_as_a_sunday() -> None:
    noon = np.array([12 * 12])
    holiday = replace(TOWN, holidays=frozenset({TOWN.first.date()}))
    sunday = noon + 6 * A_DAY
    np.testing.assert_array_equal(USUAL.median(holiday, noon), USUAL.median(TOWN, sunday))
    assert (USUAL.median(TOWN, noon) != USUAL.median(TOWN, sunday)).any()


def test_the_neighbour_that_tells_what_comes_is_named_first() -> None:
    random = np.random.default_rng(1)
    noise = random.normal(0, 10, (14 * A_DAY, 4)).astype(np.float32)
    speeds = 60 + noise
    speeds[6:, 3] += 0.9 * noise[:-6, 1]  # 3 does what 1 did half an hour before
    frame = Frame(TOWN.clock_s, TOWN.sensors, speeds)
    found = neighbours_of(frame, Usual.of(frame))
    assert found[3, 0] == 1
    assert found.shape == (4, NEIGHBOURS)
    assert (found[:, 3:] == -1).all()
