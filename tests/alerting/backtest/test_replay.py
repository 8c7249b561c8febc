"""The replay finds what the engine's states find at every moment, though it looks at few of them."""

from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from alerting.backtest.replay import replay
from alerting.backtest.sweep import Trial, suggested, with_bound
from alerting.backtest.tracks import Grid, Track
from alerting.conditions.subjects import Subject
from alerting.observation import Observation
from alerting.states import State, advance
from schema.alerting.rules import Bounds, Rule
from tests.alerting.watching import rule_when

START = datetime(2026, 3, 2, tzinfo=UTC)
FIVE = timedelta(minutes=5)
SUBJECT = Subject("s", "S", {})

minutes = st.integers(0, 4).map(lambda steps: f"{steps * 5}m")
rules = st.builds(
    lambda clear, wait, keep, then, after: rule_when(
        {"kind": "threshold", "measure": "speed_kmh", "below": 20, **({"clear_above": 30} if clear else {})},
        **{"for": wait, "keep_firing_for": keep, "no_data": {"then": then, "after": after}},
    ),
    st.booleans(),
    minutes,
    minutes,
    st.sampled_from(["hold", "alert", "ok"]),
    minutes,
)
values = st.lists(st.sampled_from([10.0, 15.0, 20.0, 25.0, 30.0, 40.0, float("nan")]), max_size=60)


def every_step(rule: Rule, seen: list[float]) -> list[tuple[datetime, datetime | None, str]]:
    state: State | None = None
    found: list[tuple[datetime, datetime | None, str]] = []
    for number, value in enumerate(seen):
        now = START + FIVE * number
        state, changes = advance(rule, state, Observation("s", "S", None if value != value else value), now)
        for change in changes:
            if change.kind == "firing":
                found.append((now, None, change.state.reason))
            elif change.kind == "resolved":
                found[-1] = (found[-1][0], now, found[-1][2])
    return found


@given(rules, values)
def test_nothing_is_missed_by_looking_only_where_something_may_begin(rule: Rule, seen: list[float]) -> None:
    grid = Grid(START, FIVE, len(seen), timedelta(0))
    firings = replay(rule, grid, [Track(SUBJECT, 0, np.array(seen))])
    assert [(one.fired_at, one.ended_at, one.reason) for one in firings] == every_step(rule, seen)


def test_the_worst_value_is_the_one_furthest_beyond_the_bound_while_it_fired() -> None:
    rule = rule_when({"kind": "threshold", "measure": "speed_kmh", "below": 20}, **{"for": "5m"})
    track = Track(SUBJECT, 0, np.array([30, 5, 15, 12, 18, 30, 30]))
    [firing] = replay(rule, Grid(START, FIVE, 7, timedelta(0)), [track])
    assert (firing.fired_at, firing.ended_at, firing.worst) == (START + 2 * FIVE, START + 5 * FIVE, 12)
    assert firing.minutes(START + 7 * FIVE) == 15


def test_a_subject_that_is_no_more_ends_its_alert_and_one_that_lasts_has_no_end() -> None:
    rule = rule_when({"kind": "incident"}, keep_firing_for="10m")
    tracks = [Track(SUBJECT, 2, np.array([3.0, 4.0])), Track(Subject("t", "T", {}), 8, np.array([2.0, 2.0]))]
    gone, lasting = replay(rule, Grid(START, FIVE, 10, timedelta(0)), tracks)
    assert (gone.fired_at, gone.ended_at, gone.worst) == (START + 2 * FIVE, START + 6 * FIVE, 4)
    assert (lasting.fired_at, lasting.ended_at) == (START + 8 * FIVE, None)


def test_what_a_rule_is_well_at_moves_along_with_its_bound() -> None:
    below = rule_when({"kind": "threshold", "measure": "speed_kmh", "below": 20, "clear_above": 30})
    above = rule_when({"kind": "threshold", "measure": "occupancy", "above": 0.5})
    assert with_bound(below, 10).bounds == below.when.model_copy(update={"below": 10, "clear_above": 20})
    moved = with_bound(above, 0.7).bounds
    assert isinstance(moved, Bounds)
    assert (moved.above, moved.clear_below) == (0.7, None)


def trial(bound: float, a_day: float, precision: float | None = None, recall: float | None = None) -> Trial:
    f1 = 2 * (precision or 0) * (recall or 0) / ((precision or 0) + (recall or 0) or 1)
    return Trial(bound, int(a_day * 10), a_day, precision, recall, f1, None)


def test_the_best_balance_is_suggested_where_incidents_are_known() -> None:
    found = suggested([trial(1, 1, 0.9, 0.1), trial(2, 2, 0.6, 0.5), trial(3, 9, 0.1, 0.9)], 20, 100)
    assert found is not None
    assert found.bound == 2
    assert "finds 50% of 20 incidents, and 60% of its alerts" in found.reason


def test_else_the_widest_bound_that_can_be_borne_is() -> None:
    trials = [trial(1, 0), trial(2, 0.1), trial(3, 4.9), trial(4, 5.1)]
    unlike = suggested([trial(1, 1, 0.05, 0.1), trial(2, 9, 0.05, 0.9)], 99, 100)
    assert unlike is not None
    assert unlike.bound == 1
    many, one = suggested(trials, 4, 100), suggested(trials, 0, 1)
    assert many is not None
    assert many.bound == 3
    assert one is not None
    assert one.bound == 2
    assert suggested([trial(1, 0), trial(4, 9)], 0, 100) is None
    assert suggested([], 9, 1) is None
