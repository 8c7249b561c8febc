"""Scores a series row by row: how far is a value from what the sensor gives at this time of day, and was that told?

The latest 2,016 values are remembered. Those taken within two hours of the same time of day say what is usual: their
median, and around it a swing, the way to their upper or lower decile, whichever is farther. A value is judged by how
many swings it lies from that median. Medians and deciles stand still while a tenth of the values are wild; a ratio of
distances has no unit, so that one threshold serves mph, percent and seconds alike; and a road that jams daily is not
told for it. This is Hampel's identifier (JASA 69, 1974) by time of day, where the Windowed Gaussian of the Numenta
Anomaly Benchmark (arXiv:1510.03336) takes mean and deviation of the latest values.

From `alarm` swings on a value is an alarm, and an incident gives many in a row. Only the first is told: what follows
within `quiet` of the latest scores 0, unless it lies `rise` times farther out than anything the incident showed
before. Nothing here looks ahead, and nothing grows with the series.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

ALARM_SCORE = 0.5
DAY_S = 86_400
LARGEST = 1e100  # beyond it a number is no measurement, and differences could overflow
RESOLUTION = 0.01  # of the usual value: a series that stood still may stir this much


@dataclass(frozen=True)
class Tuning:
    """The same for every series."""

    memory: int = 2016  # values: a week of one in five minutes
    least: int = 30  # values without which nothing is said of a time of day, nor of a series
    same_time: timedelta = timedelta(hours=2)  # what counts as the same time of day
    tail: float = 0.1  # the share of values beyond one swing on each side
    alarm: float = 4.5  # swings
    rise: float = 1.5
    quiet: timedelta = timedelta(hours=1)


DEFAULT = Tuning()


class Memory:
    """The latest values with their times of day."""

    def __init__(self, tuning: Tuning) -> None:
        self._tuning = tuning
        self._seconds = np.zeros(tuning.memory)
        self._values = np.zeros(tuning.memory)
        self._added = 0

    def add(self, time: datetime, value: float) -> None:
        place = self._added % self._tuning.memory
        self._seconds[place], self._values[place] = _second_of_day(time), value
        self._added += 1

    def at(self, time: datetime) -> NDArray[np.float64]:
        """What was measured at this time of day, by size; all there is while that is too little."""
        seconds, values = self._seconds[: self._added], self._values[: self._added]
        apart = np.abs((seconds - _second_of_day(time) + DAY_S / 2) % DAY_S - DAY_S / 2)
        alike = values[apart <= self._tuning.same_time.total_seconds()]
        return np.sort(alike if len(alike) >= self._tuning.least else values)


class Detector:
    """The state of one series; feed it in order of time."""

    def __init__(self, tuning: Tuning = DEFAULT) -> None:
        self._tuning = tuning
        self._memory = Memory(tuning)
        self._told_at: datetime | None = None
        self._told = 0.0

    def score(self, time: datetime, value: float | None) -> float:
        """From 0 to 1; from `ALARM_SCORE` on it is an alarm. A missing value scores 0 and is not remembered."""
        if value is None or not abs(value) < LARGEST:
            return 0.0
        remembered = self._memory.at(time)
        enough = len(remembered) >= self._tuning.least
        swings = swings_out(value, remembered, self._tuning.tail) if enough else 0.0
        self._memory.add(time, value)
        return 1 - self._tuning.alarm / (self._tuning.alarm + self._news(time, swings))

    def _news(self, time: datetime, swings: float) -> float:
        """`swings`, or 0 if the incident that they belong to is told already."""
        if self._told_at is not None and time - self._told_at > self._tuning.quiet:
            self._told_at, self._told = None, 0.0
        known = self._told_at is not None and swings <= self._tuning.rise * self._told
        if swings >= self._tuning.alarm:
            self._told_at, self._told = time, max(self._told, swings)
        return 0.0 if known else swings


def swings_out(value: float, by_size: NDArray[np.float64], tail: float) -> float:
    """How many swings `value` lies from the median; endless if nothing ever moved and now it does.

    Where the deciles are the median itself, as with occupancies that are mostly 0, the farthest value stands in.
    """
    median = float(by_size[len(by_size) // 2])
    distance, still = abs(value - median), RESOLUTION * abs(median)
    if distance <= still:
        return 0.0
    swing = max(_reach(by_size, median, tail) or _reach(by_size, median, 0), still)
    return distance / swing if swing else float("inf")


def _reach(by_size: NDArray[np.float64], median: float, tail: float) -> float:
    last = len(by_size) - 1
    lower, upper = int(tail * len(by_size)), min(int((1 - tail) * len(by_size)), last)
    return float(max(by_size[upper] - median, median - by_size[lower]))


def _second_of_day(time: datetime) -> int:
    return (time.hour * 60 + time.minute) * 60 + time.second
