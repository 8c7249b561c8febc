"""Sensors fail unevenly, show it beforehand now and then, and always the same."""

from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.sources.simulator.failures import LONG_S, FailureModel

START: Final = datetime(2026, 3, 2, tzinfo=UTC)
STEP: Final = timedelta(minutes=5)
SENSORS: Final = 4_000
DAYS: Final = 28


def silent(model: FailureModel, steps: int) -> np.ndarray:
    """Step by sensor."""
    return np.array([model.at(START + step * STEP).silent for step in range(steps)])


def failures_of(model: FailureModel) -> np.ndarray:
    """How often each sensor fails in four weeks."""
    days = [model._of_day(START.toordinal() + day) for day in range(DAYS)]
    return np.bincount(np.concatenate([day.sensor[day.end > day.start] for day in days]), minlength=SENSORS)


def test_four_in_a_hundred_fail_on_a_day_and_a_few_of_them_again_and_again() -> None:
    counts = np.sort(failures_of(FailureModel(1, np.arange(SENSORS))))[::-1]
    assert 0.035 < counts.sum() / SENSORS / DAYS < 0.045
    assert counts[: SENSORS // 10].sum() > 0.4 * counts.sum()
    assert np.median(counts) <= 1


def test_which_sensors_are_bad_changes_over_months() -> None:
    model = FailureModel(1, np.arange(SENSORS))
    days = [START.toordinal() + day for day in (0, 30, 365 // 2)]
    now, soon, later = (model._frailty(day) for day in days)
    assert np.corrcoef(now, soon)[0, 1] > 0.9
    assert abs(np.corrcoef(now, later)[0, 1]) < 0.2


def test_before_a_long_failure_a_growing_share_of_readings_is_missed() -> None:
    model = FailureModel(1, np.arange(SENSORS))
    spells = model._of_day(START.toordinal() + 4)
    lasting = spells.end - spells.start
    assert (
        spells.stutter[(lasting > 0) & (lasting < LONG_S)] == spells.start[(lasting > 0) & (lasting < LONG_S)]
    ).all()
    long = np.flatnonzero(lasting >= LONG_S)
    missed = silent(model, 5 * 288)[:, spells.sensor[long]]
    last_day, earlier = [], []
    for column, start in enumerate(spells.start[long] - START.timestamp()):
        until = int(start / STEP.total_seconds())
        last_day.append(missed[until - 100 : until, column].mean())
        earlier.append(missed[: until - 3 * 288, column].mean())
    assert len(long) > 30
    assert np.median(last_day) > 0.15
    assert np.median(earlier) == 0


@settings(max_examples=10, deadline=None)
@given(hours=st.integers(0, 24 * 400), some=st.integers(1, 600))
def test_a_sensor_fails_whoever_stands_beside_it_and_whenever_it_is_asked(hours: int, some: int) -> None:
    time = START + timedelta(hours=hours)
    few, many = FailureModel(7, np.arange(some)), FailureModel(7, np.arange(600))
    many.at(time - timedelta(days=2))
    assert (few.at(time).silent == many.at(time).silent[:some]).all()
    assert np.array_equal(few.at(time).stuck_at, many.at(time).stuck_at[:some], equal_nan=True)
