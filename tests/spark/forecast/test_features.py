"""What the models see is of the past, and survives what is missing."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spark.forecast.features import NEAR_NEIGHBOURS, NEIGHBOURS, ahead_of, look, neighbours_of
from spark.forecast.frame import Frame
from spark.forecast.usual import HALF_LIFE_DAYS, Usual, weighted_quantiles, without_own_week
from spark.forecast.window import HORIZONS, STEPS_IN
from tests.spark.forecast.towns import A_DAY, town

TOWN = town(15)
USUAL = Usual.of(TOWN)
NEIGHBOURS_OF_TOWN = neighbours_of(TOWN, USUAL)
NINE = town(8, NEIGHBOURS + 1)
USUAL_OF_NINE = Usual.of(NINE)
RANKED = neighbours_of(NINE, USUAL_OF_NINE).tolist()


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


@given(
    st.lists(
        st.tuples(
            st.lists(st.floats(0, 100, width=32) | st.just(float("nan")), min_size=3, max_size=3), st.floats(1, 9)
        ),
        max_size=9,
    )
)
def test_half_of_the_weight_and_one_at_most_lies_on_either_side_of_a_weighted_median(
    rows: list[tuple[list[float], float]],
) -> None:
    values = np.array([row for row, _ in rows], np.float32).reshape(-1, 3)
    weights = np.array([weight for _, weight in rows])
    [found] = weighted_quantiles(values, weights[None], (0.05, 0.5, 0.95))
    for column, (low, median, high) in enumerate(found):
        known = np.isfinite(values[:, column])
        if not known.any():
            assert np.isnan(median)
            continue
        of, heavy = values[known, column], weights[known]
        assert heavy[of < median - 1e-3].sum() <= heavy.sum() / 2 + heavy.max()
        assert heavy[of > median + 1e-3].sum() <= heavy.sum() / 2 + heavy.max()
        assert of.min() - 1e-3 <= low <= median <= high
        assert high <= of.max() + 1e-3


def test_with_equal_weights_quantiles_lie_between_the_middles_of_what_is_there() -> None:
    values = np.arange(1, 11, dtype=np.float32)[:, None]
    [[found]] = weighted_quantiles(values, np.ones((1, 10)), (0.05, 0.5, 0.75))
    np.testing.assert_allclose(found, [1, 5.5, 8])


def test_newer_days_count_for_more_and_an_outage_ages_nothing() -> None:
    days = int(HALF_LIFE_DAYS)
    speeds = np.full((4 * days * A_DAY, 1), 60, np.float32)
    speeds[days * A_DAY : 3 * days * A_DAY] = np.nan
    speeds[3 * days * A_DAY :] = 30
    frame = Frame(TOWN.clock_s, ("t:0",), speeds)
    noon = np.array([4 * days * A_DAY - A_DAY // 2])
    assert Usual.of(frame).median(frame, noon)[0, 0] == 30
    assert Usual.of(frame, day=0).median(frame, noon)[0, 0] == 60
    quartile = Usual.of(frame).quantiles(frame, noon)[0, 0, 2]
    assert quartile > 30  # a third of the weight is of the days before the outage


def test_a_week_is_told_what_is_usual_by_the_other_weeks_alone() -> None:
    speeds = np.full((21 * A_DAY, 1), 60, np.float32)
    speeds[7 * A_DAY : 14 * A_DAY] = 30
    frame = Frame(TOWN.clock_s, ("t:0",), speeds)
    usual = {int(own[len(own) // 2]): found for own, found in without_own_week(frame)}
    for step, found in usual.items():
        lowest = found.quantiles(frame, np.array([step]))[0, 0, 0]
        assert lowest == (60 if 7 * A_DAY <= step < 14 * A_DAY else 30)


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


@given(st.lists(st.booleans(), min_size=81, max_size=81))
def test_the_best_of_those_near_on_the_roads_are_named_first_then_the_best_of_all_others(near: list[bool]) -> None:
    is_near = np.array(near).reshape(9, 9)
    for own, found in enumerate(neighbours_of(NINE, USUAL_OF_NINE, is_near)):
        first = [other for other in RANKED[own] if is_near[own, other]][:NEAR_NEIGHBOURS]
        assert found.tolist() == [*first, *(other for other in RANKED[own] if other not in first)]


def test_one_near_on_the_roads_is_a_neighbour_whatever_the_readings_say_of_it() -> None:
    crowd = town(15, NEIGHBOURS + 2)
    usual = Usual.of(crowd)
    ranked = neighbours_of(crowd, usual)
    own = np.arange(len(ranked))
    last = own.sum() - own - ranked.sum(1)  # the one that is not among them
    near = np.zeros((len(ranked), len(ranked)), bool)
    near[own, last] = True
    np.testing.assert_array_equal(neighbours_of(crowd, usual, near), np.column_stack([last, ranked[:, :-1]]))
