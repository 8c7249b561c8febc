"""Rush hours and names of clusters, of weeks whose shape is known."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark.calendar import QUARTERS
from spark.clusters.shapes import name_of, names_of
from spark.patterns.profiles import percentiles
from spark.patterns.rush_hours import rush_hours
from urbanclear.public_holidays import DAY_TYPES


def dip(hour: float, at: float, depth: float, width: float = 1.5) -> float:
    return depth * math.exp(-(((hour - at) / width) ** 2))


def week(weekday: dict[float, float], weekend: dict[float, float]) -> np.ndarray:
    """168 hours; the dips by their hour and depth."""
    days = [weekday] * 5 + [weekend] * 2
    return np.array(
        [1 - sum(dip(hour, at, depth) for at, depth in day.items()) for day in days for hour in range(24)]
    )


@pytest.mark.parametrize(
    ("centre", "name"),
    [
        (week({8: 0.5}, {}), "morning peak"),
        (week({17: 0.5, 8: 0.2}, {}), "evening peak"),
        (week({17: 0.5, 8: 0.45}, {14: 0.1}), "morning and evening peak"),
        (week({8: 0.2}, {14: 0.4}), "weekend"),
        (week({2: 0.4}, {2: 0.4}), "night"),
        (week({12.5: 0.4}, {12.5: 0.4}), "midday"),
        (week({8: 0.05}, {}), "flat"),
    ],
)
def test_a_week_is_called_by_when_it_is_slow(centre: np.ndarray, name: str) -> None:
    assert name_of(centre) == name


def test_clusters_of_one_shape_are_told_apart_by_how_deep_they_are() -> None:
    deep, shallow, flat = week({8: 0.5}, {}), week({8: 0.3}, {}), week({}, {})
    assert names_of(np.array([deep, flat, shallow])) == [
        "morning peak, down to 50%",
        "flat",
        "morning peak, down to 70%",
    ]
    assert len(set(names_of(np.array([deep, deep])))) == 2


def profile(speeds: list[float]) -> np.ndarray:
    """Of workdays alone."""
    return np.array([speeds, *[[np.nan] * len(QUARTERS)] * (len(DAY_TYPES) - 1)])


@given(st.floats(2, 22), st.floats(0.25, 0.9), st.floats(20, 120))
def test_a_dip_is_found_where_it_is_and_as_deep_as_it_is(at: float, depth: float, free: float) -> None:
    [rush] = rush_hours(profile([free * (1 - dip(minute / 60, at, depth)) for minute in QUARTERS]))
    assert rush["from_minute"] <= rush["slowest_minute"] < rush["to_minute"]
    assert abs(rush["slowest_minute"] - at * 60) <= 15
    assert rush["depth"] == pytest.approx(depth, abs=0.03)


def test_two_rushes_of_a_day_are_two_and_a_short_pause_ends_none() -> None:
    two = [100 * (1 - dip(minute / 60, 8, 0.5) - dip(minute / 60, 17, 0.5)) for minute in QUARTERS]
    assert [rush["slowest_minute"] // 60 for rush in rush_hours(profile(two))] == [8, 17]
    paused = [40.0 if 28 <= place < 32 or 34 <= place < 38 else 100.0 for place in range(96)]
    [rush] = rush_hours(profile(paused))
    assert (rush["from_minute"], rush["to_minute"]) == (28 * 15, 38 * 15)


@pytest.mark.parametrize("speeds", [[50.0] * 96, [0.0] * 96, [100.0 - (place % 2) for place in range(96)]])
def test_what_is_slow_at_no_time_has_no_rush_hours(speeds: list[float]) -> None:
    assert rush_hours(profile(speeds)) == []


def test_half_a_day_of_speeds_says_nothing_of_rush_hours() -> None:
    assert rush_hours(profile([20.0] * 10 + [100.0] * 30 + [np.nan] * 56)) == []


@given(st.lists(st.lists(st.one_of(st.floats(0, 200), st.just(math.nan)), min_size=3, max_size=3), min_size=1))
def test_percentiles_are_those_of_numpy_and_leave_out_what_is_not_known(days: list[list[float]]) -> None:
    found = percentiles(np.array(days), 0.1, 0.5, 0.9)
    for column, mine in zip(np.array(days).T, found.T, strict=True):
        known = column[~np.isnan(column)]
        expected = np.percentile(known, (10, 50, 90)) if len(known) else [math.nan] * 3
        assert mine == pytest.approx(expected, nan_ok=True)
