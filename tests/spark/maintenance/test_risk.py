"""Risks are probabilities that hold, and put first who has shown the most."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark.maintenance.rates import HORIZON_DAYS, prior_of, risks_of
from spark.maintenance.risk import History, last_known, risk_of, usual

SENSORS, DAYS = 400, 28


def history(failures: np.ndarray, missing: np.ndarray | None = None) -> History:
    shares = np.zeros(failures.shape)
    return History(np.arange(len(failures)), failures, shares + 1, shares if missing is None else missing, shares)


def test_the_citys_spread_of_rates_is_found_again_and_held_by_what_follows() -> None:
    random = np.random.default_rng(1)
    rates = random.gamma(0.5, 0.08, size=20_000)  # a mean of 0.04 a day
    failures = random.poisson(rates[:, None], size=(len(rates), DAYS))
    prior = prior_of(failures.sum(axis=1), np.full(len(rates), float(DAYS)))
    assert prior.shape == pytest.approx(0.5, rel=0.15)
    assert prior.shape / prior.days == pytest.approx(0.04, rel=0.05)
    risks = risks_of(failures, np.ones(failures.shape))
    failed = random.poisson(rates * HORIZON_DAYS) > 0
    for low, high in ((0, 0.1), (0.1, 0.4), (0.4, 1)):
        some = (low <= risks) & (risks < high)
        assert risks[some].mean() == pytest.approx(failed[some].mean(), abs=0.04)


def test_a_newer_failure_weighs_more_and_a_city_without_any_has_one_small_risk() -> None:
    failures = np.zeros((SENSORS, DAYS))
    assert len(set(risks_of(failures, np.ones(failures.shape)).tolist())) == 1
    assert 0 < risks_of(failures, np.ones(failures.shape))[0] < 0.01
    failures[0, 1], failures[1, 27] = 1, 1
    risks = risks_of(failures, np.ones(failures.shape))
    assert risks[0] > risks[1] > risks[2]


@given(st.lists(st.lists(st.integers(0, 5), min_size=5, max_size=5), min_size=1, max_size=20), st.floats(0, 1))
def test_a_risk_is_a_probability_whatever_was_seen(failures: list[list[int]], working: float) -> None:
    counts = np.array(failures)
    risks = risks_of(counts, np.full(counts.shape, working))
    assert ((risks >= 0) & (risks <= 1)).all()


def test_what_shows_before_failures_is_learned_where_there_is_enough_of_it() -> None:
    """Sensors that fail one day after they have missed a tenth of their readings, and never else."""
    random = np.random.default_rng(2)
    failing = random.uniform(size=(SENSORS, DAYS + 1)) < 0.03
    missing = np.where(failing[:, :-1], 0.1, 0.0)  # on the day before, the newest first
    one = history(failing[:, 1:].astype(float), missing)
    shown = missing[:, 0] > 0
    risks = risk_of(one)
    assert risks[shown].min() > 2 * np.median(risks[~shown])
    short = one.before(DAYS - 20)
    assert (risk_of(short) == risks_of(short.failures, short.working)).all()


def test_too_few_failures_to_learn_from_leave_the_rate_alone() -> None:
    failures = np.zeros((SENSORS, DAYS))
    failures[0, 10] = 1
    one = history(failures)
    assert (risk_of(one) == risks_of(failures, one.working)).all()


def test_days_without_anything_to_expect_are_passed_over() -> None:
    shares = np.array([[np.nan, 0.2, 0.1, np.nan], [np.nan] * 4, [0.3, np.nan, np.nan, np.nan]])
    assert last_known(shares).tolist() == [0.2, 0, 0.3]
    assert usual(shares) == pytest.approx([0.15, 0, 0.3])
