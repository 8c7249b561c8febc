"""What is learned of forecasts while they are made."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark.forecast.correction import SETTLED, Correction, walk
from spark.forecast.evaluation import judge
from spark.forecast.frame import Frame, Ints
from spark.forecast.model import LOWER, MIDDLE, UPPER, Model
from spark.forecast.window import HORIZONS, STEPS_IN, Floats
from tests.spark.forecast.towns import A_DAY, town

WEEKS = town(14, first_day=28)


def told(model: Model, frame: Frame, ends: Ints | None = None) -> Floats:
    ends = frame.ends if ends is None else ends
    return np.stack([found for _, found in walk(model, frame, ends, Correction(len(model.sensors)))])


def shifted(frame: Frame, kmh: float) -> Frame:
    return replace(frame, speeds_kmh=np.maximum(frame.speeds_kmh + np.float32(kmh), 1))


def test_a_city_that_became_slower_is_foretold_better_than_by_the_model_alone(model: Model) -> None:
    found = judge(model, shifted(WEEKS, -15))
    for minutes in (15, 30, 60):
        assert found[f"mae_{minutes}"] < 0.9 * found[f"frozen_mae_{minutes}"]
        assert found[f"mae_{minutes}"] < found[f"last_value_mae_{minutes}"]


def test_a_city_as_it_was_is_foretold_as_by_the_model_alone(model: Model) -> None:
    found = judge(model, WEEKS)
    for minutes in (15, 30, 60):
        assert found[f"mae_{minutes}"] == pytest.approx(found[f"frozen_mae_{minutes}"], rel=0.03)


@pytest.mark.parametrize("noise_kmh", [0, 6])
def test_intervals_hold_nine_in_ten_where_speeds_became_calmer_or_wilder(model: Model, noise_kmh: float) -> None:
    random = np.random.default_rng(0)
    calm = np.mean([town(14, seed=seed, first_day=28).speeds_kmh for seed in range(1, 5)], axis=0)
    noise = random.normal(0, noise_kmh, calm.shape) if noise_kmh else 0
    frame = replace(WEEKS, speeds_kmh=(calm + noise).astype(np.float32))
    found = told(model, frame)
    actual = frame.speeds_kmh[frame.ends[:, None] + np.arange(1, HORIZONS + 1)].swapaxes(1, 2)
    second_week = slice(7 * A_DAY, None)
    inside = (found[..., LOWER] <= actual) & (actual <= found[..., UPPER])
    known = np.isfinite(actual[second_week]) & np.isfinite(found[second_week][..., MIDDLE])
    assert 0.88 < inside[second_week][known].mean() < 0.92


@settings(max_examples=15, deadline=None)
@given(st.integers(STEPS_IN, 2 * A_DAY), st.integers(0, 1_000))
def test_what_comes_later_changes_nothing_that_was_told(model: Model, after: int, seed: int) -> None:
    frame = WEEKS.cut(0, 2 * A_DAY + 20)
    later = frame.speeds_kmh.copy()
    later[after + 1 :] = np.random.default_rng(seed).uniform(0, 150, later[after + 1 :].shape)
    ends = np.arange(STEPS_IN - 1, after + 1)
    np.testing.assert_array_equal(
        told(model, frame, ends), told(model, replace(frame, speeds_kmh=later.astype(np.float32)), ends)
    )


def test_a_step_is_not_learned_from_before_its_late_readings_have_come(model: Model) -> None:
    end = 2 * A_DAY
    frame, ends = shifted(WEEKS, -25), np.arange(STEPS_IN - 1, end + 1)
    unsettled = frame.speeds_kmh.copy()
    correction, other = Correction(len(model.sensors)), Correction(len(model.sensors))
    last = [expected for expected, _ in walk(model, frame, ends, correction)][-1]
    unsettled[end - SETTLED + 1 : end + 1] = np.nan  # nothing of these has come yet
    for _ in walk(model, replace(frame, speeds_kmh=unsettled), ends, other):
        pass
    np.testing.assert_array_equal(correction.told(last), other.told(last))


def test_what_a_model_does_not_say_stays_unsaid_and_intervals_are_around_what_is_told(model: Model) -> None:
    silent = WEEKS.speeds_kmh.copy()
    silent[A_DAY : 2 * A_DAY, 1] = np.nan
    frame = replace(shifted(WEEKS, -40), speeds_kmh=silent - 40)
    found = told(model, frame)
    alone = model.foretell(frame, frame.ends)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(alone))
    said = np.isfinite(found[..., MIDDLE])
    assert (np.diff(found[said], axis=-1) >= 0).all()
    assert found[said].min() >= 0
    assert np.isnan(found[A_DAY + 50, 1]).all()


def test_a_gap_in_what_is_told_is_gone_over(model: Model) -> None:
    frame = shifted(WEEKS, -25)
    ends = np.concatenate([frame.ends[: 2 * A_DAY], frame.ends[5 * A_DAY : 7 * A_DAY]])
    found = told(model, frame, ends)
    assert np.isfinite(found).any(axis=(1, 2, 3)).all()


def test_after_weeks_of_calm_an_interval_is_soon_as_wide_as_needed_again(model: Model) -> None:
    still = np.full((21 * A_DAY, len(model.sensors)), 60, np.float32)
    wild = np.random.default_rng(3).normal(60, 6, (3 * A_DAY, len(model.sensors)))
    frame = replace(WEEKS, speeds_kmh=np.concatenate([still, wild]).astype(np.float32))
    found = told(model, frame)[-A_DAY:]
    actual = frame.speeds_kmh[frame.ends[-A_DAY:, None] + np.arange(1, HORIZONS + 1)].swapaxes(1, 2)
    assert ((found[..., LOWER] <= actual) & (actual <= found[..., UPPER])).mean() > 0.85
