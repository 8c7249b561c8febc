"""Sensors that fail and recover: silent for a while, or stuck at one value, some far more often than others.

A sensor's rate of failures is the city's times its frailty: a gamma variable of shape 1/2 and mean 1, the square of a
standard normal one, that drifts over months as that normal one turns between two draws. Before a long failure the
sensor stutters: it misses a growing share of its readings. Some that stutter recover without failing.

Chen, Kwon and Varaiya ("The quality of loop data and the health of California's freeway loop detectors") found that
most of the missing samples were those of loops that said nothing all month. How unevenly sensors fail here, and that
they stutter before, is our own assumption.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ingest.sources.simulator.randomness import Purpose, day_number, day_start, normals, uniforms
from ingest.sources.simulator.vectors import Numbers, Vector

SILENT_PER_DAY: Final = 0.03
STUCK_PER_DAY: Final = 0.01
RECOVERED_PER_DAY: Final = 0.01  # stutter as if before a failure that does not come
DAY_S: Final = 86_400
MEDIAN_S: Final = 90 * 60.0
SHORTEST_S: Final = 10 * 60.0
LONGEST: Final = timedelta(hours=24)
FRAILTY_TURNS_DAYS: Final = 730
LONG_S: Final = 2 * 3_600.0  # a failure that shows beforehand
STUTTER_S: Final = (1.0 * DAY_S, 3.0 * DAY_S)
LONGEST_STUTTER: Final = timedelta(seconds=STUTTER_S[1])
MOST_MISSED: Final = 0.3  # share of the readings, at the end


@dataclass(frozen=True)
class Failures:
    """What is wrong with which sensors at one time."""

    silent: NDArray[np.bool_]
    stuck_at: Vector  # share of free-flow speed; nan where the sensor is well


@dataclass(frozen=True)
class _Spells:
    """Those that begin on some days; `stuck_at` is nan for the silent. From `stutter` until `start` readings are
    missed; the two are one where none is, and `end` is `start` where the sensor recovers before it fails."""

    sensor: NDArray[np.intp]
    stutter: Vector
    start: Vector
    end: Vector
    stuck_at: Vector


class FailureModel:
    """Failures of the sensors with these numbers; each has its own, whoever stands beside it."""

    def __init__(self, seed: int, numbers: Numbers) -> None:
        self._seed = seed
        self._numbers = numbers
        self._of_day = lru_cache(maxsize=8)(self._draw_day)
        self._around = lru_cache(maxsize=2)(self._draw_around)

    def at(self, time: datetime) -> Failures:
        """What is wrong at `time`; a reading missed while stuttering is silence too."""
        silent = np.zeros(len(self._numbers), dtype=bool)
        stuck_at = np.full(len(self._numbers), np.nan)
        spells, second = self._around(day_number(time)), time.timestamp()
        now = (spells.start <= second) & (second < spells.end)
        mute = now & np.isnan(spells.stuck_at)
        silent[spells.sensor[mute]] = True
        stuck_at[spells.sensor[now & ~mute]] = spells.stuck_at[now & ~mute]
        silent[self._missing(spells, second)] = True
        return Failures(silent, stuck_at)

    def _missing(self, spells: _Spells, second: float) -> NDArray[np.intp]:
        """The sensors that stutter and miss their reading of this moment."""
        stuttering = np.flatnonzero((spells.stutter <= second) & (second < spells.start))
        sensor, begin = spells.sensor[stuttering], spells.stutter[stuttering]
        share = MOST_MISSED * (second - begin) / (spells.start[stuttering] - begin)
        chance = uniforms(self._seed, Purpose.STUTTERS, self._numbers[sensor], int(second * 1000))
        return sensor[chance < share]

    def _draw_around(self, day: int) -> _Spells:
        """All that may matter on this day: those that still last, and those that show beforehand."""
        days = range(day - LONGEST.days, day + LONGEST_STUTTER.days + 1)
        parts = [self._of_day(near) for near in days]
        columns = ("sensor", "stutter", "start", "end", "stuck_at")
        return _Spells(*(np.concatenate([getattr(part, name) for part in parts]) for name in columns))

    def _draw_day(self, day: int) -> _Spells:
        chance = uniforms(self._seed, Purpose.FAILURES, self._numbers, day, 0)
        chance /= np.maximum(self._frailty(day), np.finfo(float).tiny)
        failing = np.flatnonzero(chance < STUCK_PER_DAY + SILENT_PER_DAY + RECOVERED_PER_DAY)
        numbers, chance = self._numbers[failing], chance[failing]
        begins, values, warnings = (uniforms(self._seed, Purpose.FAILURES, numbers, day, what) for what in (1, 2, 4))
        start = day_start(day).timestamp() + np.floor(begins * DAY_S)
        lasting = np.exp(np.log(MEDIAN_S) + 0.8 * normals(self._seed, Purpose.FAILURES, numbers, day, 3)[0])
        lasting = np.clip(lasting, SHORTEST_S, LONGEST.total_seconds())
        warned = np.where(lasting >= LONG_S, STUTTER_S[0] + warnings * (STUTTER_S[1] - STUTTER_S[0]), 0.0)
        fails = chance < STUCK_PER_DAY + SILENT_PER_DAY
        stuck_at = np.where(chance < STUCK_PER_DAY, 0.3 + 0.7 * values, np.nan)
        return _Spells(failing, start - warned, start, start + lasting * fails, stuck_at)

    def _frailty(self, day: int) -> Vector:
        angle = 2 * np.pi * (day % FRAILTY_TURNS_DAYS) / FRAILTY_TURNS_DAYS
        one, other = normals(self._seed, Purpose.FRAILTY, self._numbers)
        frailty: Vector = (one * np.cos(angle) + other * np.sin(angle)) ** 2
        return frailty
