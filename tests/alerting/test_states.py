"""The life of an alert, step by step, and what holds whatever is seen."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from alerting.observation import Observation
from alerting.states import State, advance
from schema.alerting.rules import Rule
from schema.alerting.words import Priority

START = datetime(2026, 1, 5, 8, tzinfo=UTC)
SUBJECT = "city:1"


def rule(**changes: object) -> Rule:
    """Slow below 20 km/h, well again above 30."""
    slow = {"kind": "threshold", "measure": "speed_kmh", "below": 20, "clear_above": 30}
    return Rule.model_validate({"name": "slow", "title": "{{ name }} is slow", "when": slow, **changes})


def lived(watched: Rule, *values: float | str | None, minutes: int = 1) -> list[tuple[int, str, str]]:
    """Minute, kind and reason of each change, where a value comes each minute; `gone` is no observation."""
    state: State | None = None
    told: list[tuple[int, str, str]] = []
    for number, value in enumerate(values):
        seen = None if isinstance(value, str) else Observation(SUBJECT, "Broadway", value)
        state, changes = advance(watched, state, seen, START + number * timedelta(minutes=minutes))
        told += [(number, change.kind, change.state.reason) for change in changes]
    return told


def test_without_a_pending_time_it_fires_at_once() -> None:
    assert lived(rule(), 50, 10, 10, 35) == [(1, "firing", "value"), (3, "resolved", "value")]


def test_it_fires_once_it_has_held_for_long_enough() -> None:
    assert lived(rule(**{"for": "2m"}), 10, 10, 10) == [(0, "pending", "value"), (2, "firing", "value")]


def test_one_that_does_not_hold_for_long_enough_is_forgotten() -> None:
    told = lived(rule(**{"for": "2m"}), 10, 25, 10, 10)
    assert told == [(0, "pending", "value"), (1, "calmed", "value"), (2, "pending", "value")]


def test_between_the_bounds_an_alert_goes_on_and_none_begins() -> None:
    assert lived(rule(), 25, 10, 25, 25, 31) == [(1, "firing", "value"), (4, "resolved", "value")]


def test_one_that_flaps_is_kept_firing() -> None:
    told = lived(rule(keep_firing_for="2m"), 10, 40, 10, 40, 40, 40)
    assert told == [(0, "firing", "value"), (5, "resolved", "value")]


def test_without_data_an_alert_stays_as_it_is() -> None:
    assert lived(rule(**{"for": "1m"}), 10, None, None, 10) == [(0, "pending", "value"), (3, "firing", "value")]


def test_a_lack_of_data_is_an_alert_after_a_time_of_its_own() -> None:
    watched = rule(no_data={"then": "alert", "after": "3m"}, **{"for": "1m"})
    told = lived(watched, 50, None, None, None, None, 50)
    assert told == [(1, "pending", "no_data"), (4, "firing", "no_data"), (5, "resolved", "no_data")]


def test_data_that_come_back_bad_end_the_lack_and_begin_an_alert() -> None:
    told = lived(rule(no_data={"then": "alert", "after": "0s"}), None, 10)
    assert told == [(0, "firing", "no_data"), (1, "resolved", "no_data"), (1, "firing", "value")]


def test_what_fires_is_not_told_anew_as_a_lack_of_data() -> None:
    watched = rule(no_data={"then": "alert", "after": "0s"})
    assert lived(watched, 10, None, 40) == [(0, "firing", "value"), (2, "resolved", "value")]


def test_no_data_can_count_as_all_well() -> None:
    assert lived(rule(no_data={"then": "ok"}), 10, None) == [(0, "firing", "value"), (1, "resolved", "value")]


def test_a_subject_that_is_gone_is_well() -> None:
    assert lived(rule(), 10, "gone") == [(0, "firing", "value"), (1, "resolved", "value")]


def test_an_incident_that_has_become_worse_is_raised_and_one_that_eases_is_not() -> None:
    reported = rule(when={"kind": "incident"}, priority="by_severity")
    state, kinds = None, []
    for priority in (Priority.LOW, Priority.LOW, Priority.CRITICAL, Priority.MEDIUM):
        state, changes = advance(reported, state, Observation(SUBJECT, "Broadway", None, priority=priority), START)
        kinds.append([(change.kind, change.state.priority) for change in changes])
    assert kinds == [[("firing", Priority.LOW)], [], [("raised", Priority.CRITICAL)], []]


def test_an_incident_lasts_since_it_began_and_not_since_it_was_heard_of() -> None:
    reported = rule(when={"kind": "incident"}, **{"for": "10m"})
    seen = Observation(SUBJECT, "Broadway", None, since=START - timedelta(minutes=10))
    state, changes = advance(reported, None, seen, START)
    assert [change.kind for change in changes] == ["pending", "firing"]
    assert state is not None
    assert (state.started_at, state.fired_at) == (START - timedelta(minutes=10), START)


def test_where_a_rule_has_no_bounds_being_there_is_what_counts() -> None:
    reported = rule(when={"kind": "incident"})
    assert lived(reported, None, None, "gone") == [(0, "firing", "value"), (2, "resolved", "value")]


@given(
    values=st.lists(st.one_of(st.none(), st.sampled_from([5.0, 25.0, 40.0]), st.just("gone")), max_size=40),
    wait=st.integers(0, 4),
    keep=st.integers(0, 4),
    then=st.sampled_from(["hold", "alert", "ok"]),
)
def test_each_alert_is_told_of_in_order_and_ends_before_the_next(
    values: list[float | str | None], wait: int, keep: int, then: str
) -> None:
    watched = rule(keep_firing_for=f"{keep}m", no_data={"then": then, "after": "2m"}, **{"for": f"{wait}m"})
    current: str | None = None
    for _, kind, _ in lived(watched, *values):
        allowed = {None: {"pending", "firing"}, "pending": {"firing", "calmed"}, "firing": {"resolved"}}[current]
        assert kind in allowed
        current = None if kind in ("calmed", "resolved") else kind
