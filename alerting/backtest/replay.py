"""A rule's past through the very states of the engine: when it would have fired, for how long, and how bad it was."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from alerting.backtest.tracks import Grid, Track
from alerting.conditions.subjects import Subject
from alerting.observation import Observation
from alerting.states import Change, State, advance
from schema.alerting.rules import Bounds, Rule
from schema.alerting.words import Labels


@dataclass(frozen=True)
class Firing:
    """One time that the rule would have fired; `ended_at` is None where it still did at the end of the span."""

    subject: str
    name: str
    reason: Literal["value", "no_data"]
    fired_at: datetime
    ended_at: datetime | None
    worst: float | None
    labels: Labels

    def minutes(self, until: datetime) -> float:
        """How long it lasted, in the span that ends at `until`."""
        return ((self.ended_at or until) - self.fired_at) / timedelta(minutes=1)


def replay(rule: Rule, grid: Grid, tracks: Iterable[Track]) -> list[Firing]:
    """All firings, in the order in which they began."""
    found = [firing for track in tracks for firing in _fired(rule, grid, track)]
    return sorted(found, key=lambda firing: (firing.fired_at, firing.subject))


def _fired(rule: Rule, grid: Grid, track: Track) -> Iterator[Firing]:
    """Only moments at which something may begin or go on are looked at: of the others nothing would come."""
    begins = np.flatnonzero(_may_begin(rule, track))
    end = len(track.values)
    state: State | None = None
    firing: Firing | None = None
    row = 0
    while row < end or state is not None:
        if state is None:
            following = np.searchsorted(begins, row)
            if following == len(begins):
                break
            row = int(begins[following])
        if track.offset + row >= grid.length:
            break
        now = grid.time(track.offset + row)
        seen = _seen(track, row)
        state, changes = advance(rule, state, seen, now)
        for change in changes:
            firing, over = _after(firing, change, track.subject, now)
            if over is not None:
                yield over
        if firing is not None and seen is not None and seen.value is not None:
            firing = replace(firing, worst=_worse(rule.bounds, firing.worst, seen.value))
        row += 1
    if firing is not None:
        yield firing


def _may_begin(rule: Rule, track: Track) -> NDArray[np.bool_]:
    bounds, values = rule.bounds, track.values
    if bounds is None:
        return np.full(len(values), True)
    fires = values < bounds.below if bounds.below is not None else values > (bounds.above or 0.0)
    return fires | np.isnan(values) if rule.no_data.then == "alert" else fires


def _seen(track: Track, row: int) -> Observation | None:
    if row >= len(track.values):
        return None
    value = float(track.values[row])
    subject = track.subject
    return Observation(subject.key, subject.name, None if value != value else value, subject.labels)


def _after(
    firing: Firing | None, change: Change, subject: Subject, now: datetime
) -> tuple[Firing | None, Firing | None]:
    """The firing that lasts after `change`, and the one that is over."""
    if change.kind == "firing":
        began = Firing(subject.key, subject.name, change.state.reason, now, None, change.state.value, subject.labels)
        return began, None
    if change.kind == "resolved" and firing is not None:
        return None, replace(firing, ended_at=now)
    return firing, None


def _worse(bounds: Bounds | None, one: float | None, other: float) -> float:
    if one is None:
        return other
    return min(one, other) if bounds is not None and bounds.below is not None else max(one, other)
