"""One kind of anomaly at all sensors of a city at once, as readings come: it begins when a condition has held for a
while, and is over when it has been calm for a while.

What is kept is a row a sensor, however long anything lasts.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

LEAST_READINGS: Final = 2
CALM_S: Final = 300
WORSE: Final = 1.5  # times the score that was told, to be told again

STATE: Final = np.dtype(
    [
        ("since", "f8"),  # epoch from which the condition has held; NaN while it does not
        ("held", "i4"),  # readings in a row
        ("calm", "f8"),  # epoch from which it has been calm
        ("start", "f8"),  # of what is open; NaN while nothing is
        ("told", "f4"),  # the score, as it was told last
        ("score", "f4"),
        ("expected", "f4"),
        ("observed", "f4"),
    ]
)


@dataclass(frozen=True)
class Change:
    """An anomaly that begins, that gets worse, or that is over (`end`, s since 1970). It is known by `sensor_id`,
    `kind` and `start`."""

    sensor_id: int
    kind: str
    start: int
    end: int | None
    score: float
    expected: float | None
    observed: float | None
    begins: bool


@dataclass(frozen=True)
class Seen:
    """One reading of each of the sensors in the places `who`, and what was expected of it."""

    who: np.ndarray
    epochs: np.ndarray
    expected: np.ndarray
    observed: np.ndarray


class Alarms:
    """Of one kind; `hold_s` is how long the condition holds before one begins."""

    def __init__(self, kind: str, ids: np.ndarray, hold_s: float, calm_s: float = CALM_S) -> None:
        self.kind, self.hold_s, self.calm_s = kind, hold_s, calm_s
        self._ids = ids
        self.state = np.zeros(len(ids), STATE)
        for name in ("since", "calm", "start"):
            self.state[name] = np.nan

    @property
    def open(self) -> np.ndarray:
        """At which sensors there is one."""
        found: np.ndarray = ~np.isnan(self.state["start"])
        return found

    def see(self, seen: Seen, holds: np.ndarray, calm: np.ndarray, score: np.ndarray) -> list[Change]:
        """What changes by these readings, for which the condition `holds`, or which are `calm`."""
        mine = self.state[seen.who]
        mine["since"] = np.where(holds, np.fmin(mine["since"], seen.epochs), np.nan)
        mine["held"] = np.where(holds, mine["held"] + 1, 0)
        mine["calm"] = np.where(calm, np.fmin(mine["calm"], seen.epochs), np.nan)
        was_open = ~np.isnan(mine["start"])
        lasts = (mine["held"] >= LEAST_READINGS) & (seen.epochs - mine["since"] >= self.hold_s)
        over = was_open & (seen.epochs - mine["calm"] >= self.calm_s)
        return self._change(seen, mine, ~was_open & lasts, over, score)

    def begin(self, who: np.ndarray, epochs: np.ndarray, score: np.ndarray) -> list[Change]:
        """At once, at these places and from these times on."""
        mine, nothing = self.state[who], np.full(len(who), np.nan)
        mine["since"] = epochs
        every = np.ones(len(who), bool)
        return self._change(Seen(who, epochs, nothing, nothing), mine, every, ~every, score)

    def _change(
        self, seen: Seen, mine: np.ndarray, begins: np.ndarray, over: np.ndarray, score: np.ndarray
    ) -> list[Change]:
        mine["start"] = np.where(begins, mine["since"], mine["start"])
        mine["calm"] = np.where(begins, np.nan, mine["calm"])
        worst = begins | (~np.isnan(mine["start"]) & (score > mine["score"]))
        for name, values in (("score", score), ("expected", seen.expected), ("observed", seen.observed)):
            mine[name] = np.where(worst, values, mine[name])
        worse = worst & ~begins & ~over & (mine["score"] >= WORSE * mine["told"])
        mine["told"] = np.where(begins | worse, mine["score"], mine["told"])
        ends = np.where(over, mine["calm"], np.nan)
        told = np.flatnonzero(begins | worse | over)
        changes = [self._told(seen.who[at], mine[at], float(ends[at]), bool(begins[at])) for at in told]
        mine["start"] = np.where(over, np.nan, mine["start"])
        self.state[seen.who] = mine
        return changes

    def _told(self, place: int, state: np.void, end: float, begins: bool) -> Change:
        return Change(
            sensor_id=int(self._ids[place]),
            kind=self.kind,
            start=int(state["start"]),
            end=None if math.isnan(end) else int(end),
            score=float(state["score"]),
            expected=_known(state["expected"]),
            observed=_known(state["observed"]),
            begins=begins,
        )


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
