"""What a forecast is made from, in memory: the last minutes of every sensor.

A ring of one-minute sums and counts, one place a minute and sensor, so that the five minutes before any full minute
are the mean of all readings in them. It does not depend on the order in which readings come: each counts once, by its
sensor and time, for as long as its minute is in the ring. A reading is believed as ingest believes it, but for one
thing: that a sensor is stuck is known only after an hour, and is not looked for here.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from schema.quality import KINDS, UNKNOWN_LANES, implausible
from schema.rollups import MEASURES
from spark.forecast.serving.observed import Observed, microseconds
from spark.forecast.window import STEP, STEPS_IN, Window

#: The hour that a window spans, and some for readings that are ahead of the clock.
MINUTES: Final = 75
KEPT: Final = timedelta(minutes=MINUTES)
#: Readings further ahead of the clock would push out what windows are made of.
AHEAD: Final = timedelta(minutes=10)
MINUTE_US: Final = 60_000_000

_STEP_MINUTES: Final = STEP // timedelta(minutes=1)
_WINDOW_MINUTES: Final = STEPS_IN * _STEP_MINUTES
_TIME_BITS: Final = 26  # enough for the microseconds of a minute
_NONE: Final = np.empty(0, np.int64)
_EMPTY: Final = -1
_FIRST_SENSORS: Final = 1_024
_SPEED: Final = MEASURES.index("speed_kmh")

Places = NDArray[np.int64]


class Described(NamedTuple):
    """What readings of a sensor are judged by."""

    sensor: str
    kind: str
    lanes: int | None


class Added(NamedTuple):
    """Readings that were new, and the sensors they are of."""

    readings: int
    sensors: set[str]


class State:
    """The ring. Not for use by two threads at once."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._places: dict[str, int] = {}
        self._kinds = np.zeros(_FIRST_SENSORS, np.int8)
        self._lanes = np.full(_FIRST_SENSORS, UNKNOWN_LANES, np.int16)
        self._sums = np.zeros((MINUTES, _FIRST_SENSORS))
        self._counts = np.zeros((MINUTES, _FIRST_SENSORS), np.int32)
        self._minutes = np.full(MINUTES, _EMPTY, np.int64)
        self._keys = [_NONE] * MINUTES  # of the readings that were counted, sorted: place and time within the minute

    def describe(self, sensors: Iterable[Described]) -> None:
        """What is known of sensors; what was counted before stays."""
        for sensor, kind, lanes in sensors:
            place = self._place(sensor)
            self._kinds[place] = KINDS.index(kind) if kind in KINDS else 0
            self._lanes[place] = lanes or UNKNOWN_LANES

    def add(self, readings: Observed) -> Added:
        """Count readings that were not counted yet."""
        places = np.array([self._place(sensor) for sensor in readings.sensors], np.int64)
        speeds = readings.measures[_SPEED].astype(np.float64)
        good = ~np.isnan(speeds) & ~implausible(readings.measures, self._kinds[places], self._lanes[places])
        minutes = readings.times // MINUTE_US
        new: list[Places] = []
        for minute in np.unique(minutes[good]):
            rows = np.flatnonzero(good & (minutes == minute))
            if self._make_room(int(minute)):
                rows = self._unseen(int(minute), rows, places, readings.times)
                slot = minute % MINUTES
                np.add.at(self._sums[slot], places[rows], speeds[rows])
                np.add.at(self._counts[slot], places[rows], 1)
                new.append(places[rows])
        counted = np.concatenate([_NONE, *new])
        return Added(len(counted), {self._names[place] for place in np.unique(counted)})

    def window(self, end: datetime) -> Window:
        """The hour before `end`, a full minute, of the sensors that were heard of in it, by their names."""
        last = microseconds(end) // MINUTE_US
        minutes = np.arange(last - _WINDOW_MINUTES, last)
        slots = minutes % MINUTES
        there = (self._minutes[slots] == minutes)[:, None]
        sensors = len(self._names)
        steps = (STEPS_IN, _STEP_MINUTES, sensors)
        sums = np.where(there, self._sums[slots, :sensors], 0).reshape(steps).sum(axis=1)
        counts = np.where(there, self._counts[slots, :sensors], 0).reshape(steps).sum(axis=1)
        heard = sorted(np.flatnonzero(counts.any(axis=0)), key=self._names.__getitem__)
        sums, counts = sums[:, heard], counts[:, heard]
        means = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan).astype(np.float32)
        return Window(end, tuple(self._names[place] for place in heard), means)

    def _place(self, sensor: str) -> int:
        place = self._places.get(sensor)
        if place is None:
            place = self._places[sensor] = len(self._names)
            self._names.append(sensor)
            if place == len(self._kinds):
                self._grow()
        return place

    def _grow(self) -> None:
        more = len(self._kinds)
        self._kinds = np.concatenate([self._kinds, np.zeros(more, np.int8)])
        self._lanes = np.concatenate([self._lanes, np.full(more, UNKNOWN_LANES, np.int16)])
        self._sums = np.concatenate([self._sums, np.zeros((MINUTES, more))], axis=1)
        self._counts = np.concatenate([self._counts, np.zeros((MINUTES, more), np.int32)], axis=1)

    def _make_room(self, minute: int) -> bool:
        """Whether the minute is in the ring; the older one at its place goes."""
        slot = minute % MINUTES
        if minute > self._minutes[slot]:
            self._minutes[slot] = minute
            self._sums[slot], self._counts[slot], self._keys[slot] = 0, 0, _NONE
        return bool(minute == self._minutes[slot])

    def _unseen(self, minute: int, rows: Places, places: Places, times: Places) -> Places:
        """Those of `rows`, all of the minute, that were not counted yet; of two that are the same the first."""
        slot = minute % MINUTES
        keys = (places[rows] << _TIME_BITS) | (times[rows] - minute * MINUTE_US)
        keys, first = np.unique(keys, return_index=True)
        unseen = ~np.isin(keys, self._keys[slot], assume_unique=True)
        self._keys[slot] = np.sort(np.concatenate([self._keys[slot], keys[unseen]]))
        unseen_rows: Places = rows[first[unseen]]
        return unseen_rows
