"""Sensors that fail and recover: silent for a while, or stuck at one value."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ingest.sources.simulator.randomness import Purpose, day_number, generator, within_day

SILENT_PER_DAY: Final = 0.03
STUCK_PER_DAY: Final = 0.01
LONGEST: Final = timedelta(hours=24)


@dataclass(frozen=True)
class Failures:
    """What is wrong with which sensors at one time."""

    silent: NDArray[np.bool_]
    stuck_at: NDArray[np.float64]  # share of free-flow speed; nan where the sensor is well


@dataclass(frozen=True)
class _Spell:
    sensor: int
    start: datetime
    end: datetime
    stuck_at: float | None


class FailureModel:
    """Failures of `sensors` sensors."""

    def __init__(self, seed: int, sensors: int) -> None:
        self._seed = seed
        self._sensors = sensors
        self._of_day = lru_cache(maxsize=16)(self._draw_day)

    def at(self, time: datetime) -> Failures:
        """What is wrong at `time`."""
        silent = np.zeros(self._sensors, dtype=bool)
        stuck_at = np.full(self._sensors, np.nan)
        for day in range(day_number(time - LONGEST), day_number(time) + 1):
            for spell in self._of_day(day):
                if spell.start <= time < spell.end:
                    if spell.stuck_at is None:
                        silent[spell.sensor] = True
                    else:
                        stuck_at[spell.sensor] = spell.stuck_at
        return Failures(silent, stuck_at)

    def _draw_day(self, day: int) -> list[_Spell]:
        draws = generator(self._seed, Purpose.FAILURES, day)
        chance = draws.random(self._sensors)
        failing = np.flatnonzero(chance < SILENT_PER_DAY + STUCK_PER_DAY)
        return [self._spell(draws, day, int(sensor), bool(chance[sensor] < STUCK_PER_DAY)) for sensor in failing]

    def _spell(self, draws: np.random.Generator, day: int, sensor: int, stuck: bool) -> _Spell:
        start = within_day(day, draws.uniform(0, 86_400))
        minutes = float(np.clip(draws.lognormal(np.log(90), 0.8), 10, LONGEST.total_seconds() / 60))
        value = float(draws.uniform(0.3, 1.0))
        return _Spell(sensor, start, start + timedelta(minutes=minutes), value if stuck else None)
