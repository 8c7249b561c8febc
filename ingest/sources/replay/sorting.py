"""Brings the events of a file that is not in time order into it, in memory: 44 bytes a reading."""

from array import array
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from math import isnan, nan
from typing import Final

import numpy

from schema.events import Event, Reading

BLOCK_READINGS: Final = 4_096
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_MEASURES: Final = ("speed_kmh", "volume_vph", "occupancy", "travel_time_s")


class Sorting:
    """Takes events in any order by `add`, gives them back by `blocks`; equal times keep their order.

    Events other than readings, of which a file holds few, are kept as they are, and come first.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._sensors = array("i")
        self._times = array("q")
        self._values = [array("d") for _ in _MEASURES]
        self._others: list[Event] = []

    def add(self, events: Iterable[Event]) -> None:
        for event in events:
            if isinstance(event, Reading):
                self._add_reading(event)
            else:
                self._others.append(event)

    def blocks(self) -> Iterator[list[Event]]:
        """All events, oldest first."""
        if self._others:
            yield sorted(self._others, key=lambda event: event.occurred_at or _EPOCH)
        sensors = list(self._numbers)
        order = numpy.argsort(numpy.asarray(self._times), kind="stable")
        for start in range(0, len(order), BLOCK_READINGS):
            yield [self._reading(sensors, place) for place in order[start : start + BLOCK_READINGS].tolist()]

    def _add_reading(self, reading: Reading) -> None:
        self._sensors.append(self._numbers.setdefault(reading.sensor, len(self._numbers)))
        self._times.append((reading.time - _EPOCH) // _MICROSECOND)
        for values, name in zip(self._values, _MEASURES, strict=True):
            value = getattr(reading, name)
            values.append(nan if value is None else value)

    def _reading(self, sensors: list[str], place: int) -> Reading:
        measures = (values[place] for values in self._values)
        present = {name: value for name, value in zip(_MEASURES, measures, strict=True) if not isnan(value)}
        time = _EPOCH + timedelta(microseconds=self._times[place])
        return Reading(sensor=sensors[self._sensors[place]], time=time, **present)
