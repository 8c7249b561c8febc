"""Sensors that fail and recover: silent for a while, or stuck at one value."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ingest.sources.simulator.randomness import Purpose, day_number, day_start, normals, uniforms
from ingest.sources.simulator.vectors import Vector

SILENT_PER_DAY: Final = 0.03
STUCK_PER_DAY: Final = 0.01
DAY_S: Final = 86_400
MEDIAN_S: Final = 90 * 60.0
SHORTEST_S: Final = 10 * 60.0
LONGEST: Final = timedelta(hours=24)


@dataclass(frozen=True)
class Failures:
    """What is wrong with which sensors at one time."""

    silent: NDArray[np.bool_]
    stuck_at: Vector  # share of free-flow speed; nan where the sensor is well


@dataclass(frozen=True)
class _Spells:
    """Those that begin on one day; `stuck_at` is nan for the silent."""

    sensor: NDArray[np.intp]
    start: Vector
    end: Vector
    stuck_at: Vector


class FailureModel:
    """Failures of the sensors with these numbers; each has its own, whoever stands beside it."""

    def __init__(self, seed: int, numbers: NDArray[np.int64]) -> None:
        self._seed = seed
        self._numbers = numbers
        self._of_day = lru_cache(maxsize=4)(self._draw_day)

    def at(self, time: datetime) -> Failures:
        """What is wrong at `time`."""
        silent = np.zeros(len(self._numbers), dtype=bool)
        stuck_at = np.full(len(self._numbers), np.nan)
        second = time.timestamp()
        for day in range(day_number(time - LONGEST), day_number(time) + 1):
            spells = self._of_day(day)
            now = (spells.start <= second) & (second < spells.end)
            mute = now & np.isnan(spells.stuck_at)
            silent[spells.sensor[mute]] = True
            stuck_at[spells.sensor[now & ~mute]] = spells.stuck_at[now & ~mute]
        return Failures(silent, stuck_at)

    def _draw_day(self, day: int) -> _Spells:
        chance = uniforms(self._seed, Purpose.FAILURES, self._numbers, day, 0)
        failing = np.flatnonzero(chance < SILENT_PER_DAY + STUCK_PER_DAY)
        numbers = self._numbers[failing]
        begins, values = (uniforms(self._seed, Purpose.FAILURES, numbers, day, what) for what in (1, 2))
        start = day_start(day).timestamp() + np.floor(begins * DAY_S)
        lasting = np.exp(np.log(MEDIAN_S) + 0.8 * normals(self._seed, Purpose.FAILURES, numbers, day, 3)[0])
        end = start + np.clip(lasting, SHORTEST_S, LONGEST.total_seconds())
        stuck_at = np.where(chance[failing] < STUCK_PER_DAY, 0.3 + 0.7 * values, np.nan)
        return _Spells(failing, start, end, stuck_at)
