"""A sensor's days: how often it failed, how long it was silent or stuck, which share of its readings it missed.

Days are of 24 hours, counted back from the end of what is known. A failure is half an hour or more of silence while
most sensors spoke, or of readings flagged as stuck. What is missed is told apart from it: readings that did not come
although the sensor was not silent. As many are expected as the sensor's usual multiple of what the city's sensors had
in the median in the same 5 minutes, so that neither its own rate nor a change of the feed's is a fault.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from spark.anomalies.stretches import MOST_SILENT, Stretch, silent, stuck, usual_step
from spark.calendar import STEP_S
from spark.reporting import Reporting
from spark.series import Series

DAY_S: Final = 86_400
LEAST_S: Final = 1_800  # that a failure lasts
STEPS_A_DAY: Final = DAY_S // STEP_S


@dataclass(frozen=True)
class Day:
    """`day` is 0 for the newest. `working` is the part of the day in which a failure could have begun; `missing` is
    the share of the readings expected in it, NaN where there is none. `last_failure` is an epoch, or NaN."""

    day: int
    working: float
    silences: int
    stucks: int
    silent_h: float
    stuck_h: float
    missing: float
    implausible: float
    last_failure: float
    lasts: bool


def days_of(series: Series, feed: Reporting) -> Iterator[Day]:
    """Of one sensor, from the day of its first reading on."""
    one = _Grid(series, feed)
    for day in range(int(one.days[0]), -1, -1):
        yield one.on(day)


class _Grid:
    """A sensor's 5 minutes, from its first reading on, those without one too."""

    def __init__(self, series: Series, feed: Reporting) -> None:
        epochs = series.epochs
        self._first = int(epochs[0])
        first = (int(epochs[0]) - feed.first) // STEP_S
        speaking = feed.shares[first:] >= MOST_SILENT
        at = (epochs - epochs[0]) // STEP_S
        self.days = (len(speaking) - 1 - np.arange(len(speaking))) // STEPS_A_DAY
        self.readings, self.implausible = np.zeros(len(speaking)), np.zeros(len(speaking))
        self.readings[at], self.implausible[at] = series.readings, series.implausible
        self.failures = _failures(epochs, series.stuck, feed)
        failing = np.zeros(len(speaking), dtype=bool)
        for one in self.failures:
            failing[self._place(one.start) : None if one.end is None else self._place(one.end)] = True
        self.working = speaking & ~failing
        typical = feed.readings[first:]
        multiple = float(np.median(self.readings[at] / np.maximum(typical[at], 1)))
        self.expected = multiple * typical * STEP_S / usual_step(epochs)

    def _place(self, epoch: int) -> int:
        return (epoch - self._first) // STEP_S

    def on(self, day: int) -> Day:
        """What is known of that day."""
        here = self.days == day
        of_day = [one for one in self.failures if self.days[self._place(one.start)] == day]
        hours = {kind: sum(one.score for one in of_day if one.kind == kind) for kind in ("silent", "stuck")}
        kinds = [one.kind for one in of_day]
        expected = self.expected[here & self.working].sum()
        came, wrong = self.readings[here & self.working].sum(), self.implausible[here].sum()
        return Day(
            day=day,
            working=float((here & self.working).sum()) / STEPS_A_DAY,
            silences=kinds.count("silent"),
            stucks=kinds.count("stuck"),
            silent_h=hours["silent"],
            stuck_h=hours["stuck"],
            missing=max(1 - came / expected, 0.0) if expected > 0 else np.nan,
            implausible=wrong / max(self.readings[here].sum(), 1.0),
            last_failure=max((float(one.start) for one in of_day), default=np.nan),
            lasts=any(one.end is None for one in of_day),
        )


def _failures(epochs: np.ndarray, flags: np.ndarray, feed: Reporting) -> list[Stretch]:
    found = [*silent(epochs, feed.shares, feed.first, feed.last), *stuck(epochs, flags)]
    return [one for one in found if one.score * 3600 >= LEAST_S]
