"""The first look at a file: which sensors it holds, what times it covers, and whether its rows are in time order."""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import numpy

from ingest.sources.replay.rows import Outcome, Refused, Window
from schema.events import Reading

# FHWA's Urban Congestion Reports take the 85th percentile of off-peak speeds for free flow
# (https://ops.fhwa.dot.gov/perf_measurement/ucr/documentation.htm). Here it is that of all speeds in the file, since
# a short recording may have no off-peak hours.
FREE_FLOW_PERCENTILE: Final = 85
FEWEST_SPEEDS: Final = 12  # an hour of 5 minutes; fewer say nothing of free flow


@dataclass
class Survey:
    """Grows by `add`; nothing in it but the speeds, 4 bytes each, grows with the file."""

    window: Window = field(default_factory=Window)
    speeds: dict[str, "array[float]"] = field(default_factory=dict)
    first: datetime | None = None
    last: datetime | None = None
    in_order: bool = True
    readings: int = 0
    readings_in_window: int = 0
    _steps_forward: int = 0
    _steps_back: int = 0
    _newest_of: dict[str, datetime] = field(default_factory=dict)
    _previous: datetime | None = None

    @property
    def newest_first(self) -> bool:
        """Whether the sensors' stamps run backwards."""
        return self._steps_back > self._steps_forward

    def add(self, outcomes: Iterable[Outcome]) -> None:
        """Take note of what some rows say."""
        for outcome in outcomes:
            if isinstance(outcome, Reading):
                self._add_speed(outcome)
                self._add_time(outcome.sensor, outcome.time)
            elif isinstance(outcome, Refused):
                self.speeds.setdefault(outcome.sensor, array("f"))

    def free_flow_speed_kmh(self, sensor: str) -> float | None:
        """The 85th percentile of the sensor's speeds, None where there are too few or all are 0."""
        speeds = self.speeds[sensor]
        if len(speeds) < FEWEST_SPEEDS:
            return None
        return round(float(numpy.percentile(numpy.asarray(speeds), FREE_FLOW_PERCENTILE)), 2) or None

    def _add_speed(self, reading: Reading) -> None:
        speeds = self.speeds.get(reading.sensor)
        if speeds is None:
            speeds = self.speeds[reading.sensor] = array("f")
        if reading.speed_kmh is not None:
            speeds.append(reading.speed_kmh)

    def _add_time(self, sensor: str, time: datetime) -> None:
        self.readings += 1
        self.readings_in_window += time in self.window
        if self._previous is None:
            self.first = self.last = time
        elif time != self._previous:
            self.in_order = self.in_order and time > self._previous
            self.first = min(self.first or time, time)
            self.last = max(self.last or time, time)
        self._previous = time
        before = self._newest_of.get(sensor)
        if before is not None:
            self._steps_forward += time > before
            self._steps_back += time < before
        self._newest_of[sensor] = time
