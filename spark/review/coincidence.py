"""How many incidents have a drop of speed beside them, and how many would have by chance.

Beside an incident are the sensors whose lines come within some metres of it. It counts if one of them told a speed
in the minutes after it began, and is met if a drop began at one of them in these minutes. Chance is the share of
other 5 minutes at which the same sensors would have been met: of all of the span, and of the same time on its other
days, when traffic is as it is at that hour.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np

from spark.anomalies.stretches import LEAST_CHANGE, LEAST_STEPS
from spark.calendar import STEP_S
from spark.review.ground import distances_m
from spark.review.observed import Incident, Observed

DAY: Final = 24 * 3600 // STEP_S

Outcome = Literal["met", "begun before", "within the band", "not slowed"]
OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)


@dataclass(frozen=True)
class Coincidence:
    """Of `counted` incidents within `metres` of sensors that told a speed within `minutes`, what became of how many,
    and how many would have been met by chance."""

    metres: float
    minutes: float
    counted: int
    by_chance: float
    by_chance_at_that_time: float
    spread: float
    """Standard deviation of the number met by chance at that time."""
    outcomes: dict[Outcome, int]


@dataclass(frozen=True)
class Beside:
    """An incident that counts, the rows of the sensors beside it, and at which columns it counts and is met."""

    incident: Incident
    rows: np.ndarray
    column: int
    counts: np.ndarray
    meets: np.ndarray

    @property
    def met(self) -> bool:
        return bool(self.meets[self.column])

    def chance(self) -> float:
        others = self.counts.copy()
        others[self.column] = False
        return _mean(self.meets[others])

    def chance_at_that_time(self) -> float:
        same = same_time(self.column, len(self.counts))
        return _mean(self.meets[same[self.counts[same]]])


class Review:
    """The incidents of a span against the drops that were found in it."""

    def __init__(self, city: Observed) -> None:
        self._city = city
        self._told = ~np.isnan(city.speeds)
        self._began = np.zeros(city.speeds.shape, bool)
        for drop in city.drops:
            self._began[drop.row, drop.first] = True
        self._drops = city.dropping()
        with np.errstate(invalid="ignore"):
            self._slow = city.speeds <= (1 - LEAST_CHANGE) * city.normal
        lines = [sensor.places for sensor in city.sensors]
        self._distances = [distances_m(one.lat, one.lon, lines) for one in city.incidents]

    def beside(self, metres: float, minutes: float) -> list[Beside]:
        """Those that count."""
        return [*self._beside(metres, minutes)]

    def _beside(self, metres: float, minutes: float) -> Iterator[Beside]:
        steps = steps_of(minutes)
        told, began = (within(flags, steps) for flags in (self._told, self._began))
        for incident, distances in zip(self._city.incidents, self._distances, strict=True):
            rows = np.flatnonzero(distances <= metres)
            column = self._city.column_of(incident.started)
            counts = _any(told[rows])
            if counts[column]:
                yield Beside(incident, rows, column, counts, _any(began[rows]))

    def coincidence(self, metres: float, minutes: float) -> Coincidence:
        """Of all incidents that count."""
        found = self.beside(metres, minutes)
        chances = np.array([one.chance_at_that_time() for one in found])
        outcomes = Counter(self._outcome(one, minutes) for one in found)
        return Coincidence(
            metres,
            minutes,
            len(found),
            by_chance=sum(one.chance() for one in found),
            by_chance_at_that_time=float(chances.sum()),
            spread=float(np.sqrt((chances * (1 - chances)).sum())),
            outcomes={outcome: outcomes[outcome] for outcome in OUTCOMES},
        )

    def _outcome(self, one: Beside, minutes: float) -> Outcome:
        """What became of the speed beside it: a drop began, had begun before, or none, though it was as slow as one
        must be for as long, or was not."""
        if one.met:
            return "met"
        after = slice(one.column, one.column + steps_of(minutes) + 1)
        if self._drops[one.rows, after].any():
            return "begun before"
        slow = (self._slow[one.rows, after].sum(axis=1) >= LEAST_STEPS).any()
        return "within the band" if slow else "not slowed"

    def dropping(self, found: Sequence[Beside], lag: int) -> tuple[float, float]:
        """The share beside which a drop lasts `lag` columns after it began, and that by chance at that time."""
        shares, chances = [], []
        for one in found:
            column = one.column + lag
            if 0 <= column < self._told.shape[1] and self._told[one.rows, column].any():
                same = same_time(column, self._told.shape[1])
                same = same[self._told[np.ix_(one.rows, same)].any(axis=0)]
                shares.append(bool(self._drops[one.rows, column].any()))
                chances.append(_mean(self._drops[np.ix_(one.rows, same)].any(axis=0)))
        return _mean(shares), _mean(chances)


def same_time(column: int, columns: int) -> np.ndarray:
    """The columns of the same time on other days."""
    same = np.arange(column % DAY, columns, DAY)
    return np.array(same[same != column])


def steps_of(minutes: float) -> int:
    """In columns, one at least."""
    return max(1, round(minutes * 60 / STEP_S))


def within(flags: np.ndarray, steps: int) -> np.ndarray:
    """At each column whether there is one in it or in the `steps` after it."""
    padded = np.pad(flags, ((0, 0), (0, steps)))
    return np.array(np.lib.stride_tricks.sliding_window_view(padded, steps + 1, axis=1).any(axis=2))


def _any(rows: np.ndarray) -> np.ndarray:
    return np.array(rows.any(axis=0))


def _mean(values: Iterable[float]) -> float:
    known = np.asarray([*values], float)
    return float(known.mean()) if len(known) else 0.0
