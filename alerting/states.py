"""How an alert lives: inactive, pending, firing, resolved. One pure step for each rule, subject and moment.

    inactive ── holds ──► pending ── held for `for` ──► firing ── clear for `keep_firing_for` ──► resolved
                             └── holds no more ──► inactive

Values between a bound and its `clear_…` neither raise an alert nor end one. A subject without data has a pending time
of its own (`no_data.after`), whatever is pending; an alert that fires goes on firing without data. Once data are
back, an alert about their lack is over.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto
from hashlib import blake2b
from typing import Literal

from alerting.observation import Observation
from schema.alerting.rules import Rule
from schema.alerting.words import Priority

Phase = Literal["pending", "firing", "resolved"]
Reason = Literal["value", "no_data"]
Kind = Literal["pending", "firing", "raised", "resolved", "calmed"]


@dataclass(frozen=True, slots=True)
class State:
    """An alert of a rule about a subject.

    `id` is the same whoever comes to it; `value` is the last that was seen, `priority` the highest that an incident
    has had.
    """

    id: str
    phase: Phase
    reason: Reason
    started_at: datetime
    fired_at: datetime | None = None
    clear_since: datetime | None = None
    value: float | None = None
    priority: Priority | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What became of an alert. `raised`: it has become more urgent; `calmed`: it was pending, and is no more."""

    kind: Kind
    state: State


Step = tuple[State | None, tuple[Change, ...]]


class _Seen(Enum):
    HOLDS = auto()
    BETWEEN = auto()
    CLEAR = auto()
    MISSING = auto()


def advance(rule: Rule, state: State | None, seen: Observation | None, now: datetime) -> Step:
    """The state of the subject at `now`, None for inactive, and what changed, in order.

    `seen` is None for a subject that is not there any more, such as a cleared incident.
    """
    if state is None and seen is not None and seen.is_past:
        return None, ()
    what, value = _judged(rule, seen)
    if state is not None and state.reason == "no_data" and state.phase == "firing" and what is not _Seen.MISSING:
        over = Change("resolved", replace(state, phase="resolved"))
        following, changes = advance(rule, None, seen, now)
        return following, (over, *changes)
    match what:
        case _Seen.HOLDS:
            assert seen is not None, rule.name  # noqa: S101 (what holds was seen)
            return _holding(rule, state, seen, now)
        case _Seen.MISSING:
            assert seen is not None, rule.name  # noqa: S101
            return _missing(rule, state, seen.subject, now)
    if state is None:
        return None, ()
    if state.phase == "pending":
        return None, (Change("calmed", state),)
    state = replace(state, value=value if value is not None else state.value)
    return _clearing(rule, state, now) if what is _Seen.CLEAR else (replace(state, clear_since=None), ())


def ended(state: State) -> Change:
    """The end of an alert whose rule is no more."""
    return (
        Change("calmed", state) if state.phase == "pending" else Change("resolved", replace(state, phase="resolved"))
    )


def alert_id(rule: str, subject: str, started_at: datetime, reason: Reason) -> str:
    """The same for the same alert, so that telling of it twice is telling of one."""
    return _digest((rule, subject, started_at.isoformat(), reason))


def _digest(parts: Iterable[str]) -> str:
    return blake2b("\0".join(parts).encode(), digest_size=12).hexdigest()


def _judged(rule: Rule, seen: Observation | None) -> tuple[_Seen, float | None]:
    if seen is None:
        return _Seen.CLEAR, None
    bounds = rule.bounds
    if bounds is None:
        return _Seen.HOLDS, seen.value
    if seen.value is None:
        return (_Seen.CLEAR if rule.no_data.then == "ok" else _Seen.MISSING), None
    if bounds.fires(seen.value):
        return _Seen.HOLDS, seen.value
    return (_Seen.CLEAR if bounds.clears(seen.value) else _Seen.BETWEEN), seen.value


def _holding(rule: Rule, state: State | None, seen: Observation, now: datetime) -> Step:
    if state is not None and state.phase == "firing":
        return _going_on(rule, state, seen)
    changes: tuple[Change, ...] = ()
    if state is not None and state.reason == "no_data":
        changes, state = (Change("calmed", state),), None
    if state is None:
        found = alert_id(rule.name, seen.subject, now, "value")
        since = min(seen.since or now, now)
        state = State(found, "pending", "value", since, value=seen.value, priority=seen.priority)
        changes = (*changes, Change("pending", state)) if rule.for_ else changes
    return _fired_after(replace(state, value=seen.value, priority=seen.priority), rule.for_, now, changes)


def _going_on(rule: Rule, state: State, seen: Observation) -> Step:
    state = replace(state, clear_since=None, value=seen.value)
    before = -1 if state.priority is None else state.priority.rank
    if rule.priority != "by_severity" or seen.priority is None or seen.priority.rank <= before:
        return state, ()
    state = replace(state, priority=seen.priority)
    return state, (Change("raised", state),)


def _missing(rule: Rule, state: State | None, subject: str, now: datetime) -> Step:
    if rule.no_data.then == "hold" or (state is not None and state.phase == "firing"):
        return state, ()
    changes: tuple[Change, ...] = ()
    if state is not None and state.reason == "value":
        changes, state = (Change("calmed", state),), None
    after = rule.no_data.after
    if state is None:
        state = State(alert_id(rule.name, subject, now, "no_data"), "pending", "no_data", now)
        changes = (*changes, Change("pending", state)) if after else changes
    return _fired_after(state, after, now, changes)


def _fired_after(state: State, wait: timedelta, now: datetime, changes: tuple[Change, ...]) -> Step:
    if now - state.started_at < wait:
        return state, changes
    firing = replace(state, phase="firing", fired_at=now)
    return firing, (*changes, Change("firing", firing))


def _clearing(rule: Rule, state: State, now: datetime) -> Step:
    since = state.clear_since or now
    if now - since < rule.keep_firing_for:
        return replace(state, clear_since=since), ()
    return None, (Change("resolved", replace(state, phase="resolved", clear_since=since)),)
