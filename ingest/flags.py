"""Flags at the door: readings that are implausible, of a sensor that is stuck, or late. They are stored all the same.

Works on whole batches. What each sensor said last is in the registry, which is brought up to date along the way.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ingest.readings import MICROSECOND, Integers, Readings
from ingest.registry import Registry
from schema.quality import STUCK_READINGS, Mask, implausible
from schema.rollups import MEASURES, Flag

GOOD: Final = 0
_VOLUME: Final = MEASURES.index("volume_vph")


@dataclass(frozen=True)
class Rules:
    """How long may pass, in microseconds; None: for ever."""

    stuck_after: int | None
    late_after: int | None

    @classmethod
    def of(cls, stuck_after: timedelta | None, late_after: timedelta | None) -> "Rules":
        return cls(_microseconds(stuck_after), _microseconds(late_after))


def in_key_order(readings: Readings, registry: Registry) -> Readings:
    """Sorted by the table's key; of two with the same sensor and time the one that came first."""
    order = np.lexsort((readings.times, registry.state["id"][readings.sensors]))
    sensors, times = readings.sensors[order], readings.times[order]
    first = np.ones(len(order), dtype=bool)
    first[1:] = (sensors[1:] != sensors[:-1]) | (times[1:] != times[:-1])
    return readings.take(order[first])


def flag(readings: Readings, registry: Registry, rules: Rules, now: int) -> NDArray[np.int8]:
    """A flag of each of `readings`, which are in the order of the key; GOOD for most.

    The newest good reading of each sensor is noted in the registry. One that came after a flagged reading that is
    not older is left to `in_doubt`: it may repeat that one, of which the first is kept. `now` is in microseconds
    since 1970.
    """
    flags = np.full(len(readings), GOOD, dtype=np.int8)
    flags[_late(readings, registry, rules, now)] = Flag.LATE
    flags[_implausible(readings, registry)] = Flag.IMPLAUSIBLE
    newest, seen = (registry.state[name][readings.sensors] for name in ("newest", "seen"))
    newer = (flags == GOOD) & (readings.times > np.maximum(newest, seen))
    places = np.flatnonzero(newer)
    if len(places):
        stuck = _stuck(readings.take(places), registry, rules)
        flags[places[stuck]] = Flag.STUCK
    return flags


def in_doubt(readings: Readings, registry: Registry) -> Integers:
    """The sensors of which only the database can tell whether these readings are their newest good ones."""
    newest, seen = (registry.state[name][readings.sensors] for name in ("newest", "seen"))
    doubtful = (readings.times > newest) & (readings.times <= seen)
    return np.unique(readings.sensors[doubtful]).astype(np.int64)


def _late(readings: Readings, registry: Registry, rules: Rules, now: int) -> Mask:
    """Far behind the newest of a sensor that is live: whose newest is about as old as the clock allows."""
    if rules.late_after is None:
        return np.zeros(len(readings), dtype=bool)
    newest = registry.state["newest"][readings.sensors]
    return (newest >= now - rules.late_after) & (readings.times < newest - rules.late_after)


def _implausible(readings: Readings, registry: Registry) -> Mask:
    kinds, lanes = (registry.state[name][readings.sensors] for name in ("kind", "lanes"))
    return implausible(readings.measures, kinds, lanes)


def _stuck(readings: Readings, registry: Registry, rules: Rules) -> Mask:
    """Which are of a sensor that has said the same too long; notes the newest that are not.

    `readings` are newer than what the registry has, and in the order of the key.
    """
    state, sensors, times = registry.state, readings.sensors, readings.times
    values = readings.measures.T
    first = np.ones(len(readings), dtype=bool)
    first[1:] = sensors[1:] != sensors[:-1]
    before = np.where(first[:, None], state["measures"][sensors], np.roll(values, 1, axis=0))
    same = ((values == before) | (np.isnan(values) & np.isnan(before))).all(axis=1)
    same &= ~first | (state["unchanged"][sensors] > 0)
    begins = np.flatnonzero(first | ~same)  # of stretches within this batch that say the same
    stretch = np.searchsorted(begins, np.arange(len(readings)), side="right") - 1
    goes_on = same[begins]  # from what the sensor said before
    since = np.where(goes_on, state["since"][sensors[begins]], times[begins])[stretch]
    unchanged = np.arange(len(readings)) - begins[stretch] + 1
    unchanged += np.where(goes_on, state["unchanged"][sensors[begins]], 0)[stretch]
    stuck = _says_the_same(readings, unchanged, times - since, rules)
    _note(readings, registry, since, unchanged, ~stuck)
    return stuck


def _says_the_same(readings: Readings, unchanged: Integers, lasts: Integers, rules: Rules) -> Mask:
    """Whether it is a fault: an empty road says the same all night."""
    if rules.stuck_after is None:
        return np.zeros(len(readings), dtype=bool)
    empty = readings.measures[_VOLUME] == 0
    return np.asarray((unchanged >= STUCK_READINGS) & (lasts >= rules.stuck_after) & ~empty)


def _note(readings: Readings, registry: Registry, since: Integers, unchanged: Integers, good: Mask) -> None:
    """Make the last good reading of each sensor its newest."""
    kept = np.flatnonzero(good)
    sensors = readings.sensors[kept]
    last = np.ones(len(kept), dtype=bool)
    last[:-1] = sensors[1:] != sensors[:-1]
    kept, sensors, state = kept[last], sensors[last], registry.state
    state["newest"][sensors], state["measures"][sensors] = readings.times[kept], readings.measures.T[kept]
    state["since"][sensors], state["unchanged"][sensors] = since[kept], unchanged[kept]


def _microseconds(duration: timedelta | None) -> int | None:
    return None if duration is None else duration // MICROSECOND
