"""The first look at a file: which sensors it holds, what times it covers, and whether its rows are in time order."""

from array import array
from collections import Counter
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import numpy

from ingest.sources.replay.columns import Columns
from ingest.sources.replay.rows import Window

# FHWA's Urban Congestion Reports take the 85th percentile of off-peak speeds for free flow
# (https://ops.fhwa.dot.gov/perf_measurement/ucr/documentation.htm). Here it is that of all speeds in the file, since
# a short recording may have no off-peak hours.
FREE_FLOW_PERCENTILE: Final = 85
FEWEST_SPEEDS: Final = 12  # an hour of 5 minutes; fewer say nothing of free flow
INTERVAL_OF_ONE: Final = timedelta(minutes=5)  # taken for the interval where no sensor reports twice


class Span(NamedTuple):
    """From the first to the last of some times."""

    first: datetime
    last: datetime

    def with_time(self, time: datetime) -> "Span":
        """Grown to hold `time`."""
        return Span(min(self.first, time), max(self.last, time))


class Survey:
    """Grows by `add`; of what it keeps only the speeds, 4 bytes each, grow with the file."""

    def __init__(self, window: Window) -> None:
        self.span: Span | None = None
        self.span_in_window: Span | None = None
        self.in_order = True
        self.is_empty = True
        self.events = 0
        self.events_in_window = 0
        self._window = window
        self._speeds: dict[str, array[float]] = {}
        self._first_of: dict[str, datetime] = {}
        self._last_of: dict[str, datetime] = {}
        self._intervals: Counter[timedelta] = Counter()
        self._previous: datetime | None = None

    @property
    def sensors(self) -> list[str]:
        """All sensors of the file, those without a single observation too."""
        return list(self._speeds)

    @property
    def newest_first(self) -> bool:
        """Whether the file runs backwards for more sensors than it runs forwards."""
        pairs = [(self._first_of[sensor], last) for sensor, last in self._last_of.items()]
        return sum(last < first for first, last in pairs) > sum(last > first for first, last in pairs)

    @property
    def interval(self) -> timedelta:
        """How often a sensor mostly reports."""
        [(interval, _)] = self._intervals.most_common(1) or [(INTERVAL_OF_ONE, 0)]
        return interval

    def free_flow_speed_kmh(self, sensor: str) -> float | None:
        """The 85th percentile of the sensor's speeds, None where there are too few or it is 0."""
        speeds = self._speeds[sensor]
        if len(speeds) < FEWEST_SPEEDS:
            return None
        return round(float(numpy.percentile(numpy.asarray(speeds), FREE_FLOW_PERCENTILE)), 2) or None

    def add(self, columns: Columns) -> None:
        """Take note of a block."""
        self.is_empty = self.is_empty and not columns.rows and not columns.unusable
        for sensor in dict.fromkeys(columns.sensors):
            if isinstance(sensor, str):
                self._speeds.setdefault(sensor, array("f"))
        speed_at = list(columns.measures).index("speed_kmh") if "speed_kmh" in columns.measures else None
        rows = zip(columns.sensors, columns.times, columns.no_data, *columns.measures.values(), strict=True)
        for sensor, time, no_data, *values in rows:
            if no_data is False and isinstance(time, datetime) and isinstance(sensor, str):
                speed = None if speed_at is None else values[speed_at]
                if isinstance(speed, float):
                    self._speeds[sensor].append(speed)
                if speed is not None or any(value is not None for value in values):
                    self._add_time(sensor, time)

    def add_event(self, key: str, time: datetime) -> None:
        """Take note of an event that is no observation of a sensor."""
        self.is_empty = False
        self._add_time(key, time)

    def _add_time(self, sensor: str, time: datetime) -> None:
        self.events += 1
        in_window = time in self._window
        self.events_in_window += in_window
        if (last := self._last_of.get(sensor)) is None:
            self._first_of[sensor] = time
        elif last != time:
            self._intervals[abs(time - last)] += 1
        self._last_of[sensor] = time
        if time is self._previous:
            return
        self.in_order = self.in_order and (self._previous is None or time >= self._previous)
        self.span = Span(time, time) if self.span is None else self.span.with_time(time)
        if in_window:
            found = self.span_in_window
            self.span_in_window = Span(time, time) if found is None else found.with_time(time)
        self._previous = time
