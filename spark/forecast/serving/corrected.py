"""A model that forecasts, corrected by what was measured since."""

from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import psycopg

from spark.forecast.conditions import conditions_of
from spark.forecast.copied import EPOCH_2000_US, columns_of, sensor_names
from spark.forecast.correction import SETTLED, WARM_STEPS, Correction, walk
from spark.forecast.frame import STEP_S, Frame, Ints, clock_s
from spark.forecast.model import Model
from spark.forecast.window import HORIZONS, STEPS_IN, Forecast, Window
from urbanclear.public_holidays import holidays_between

_NEWEST: Final[Ints] = np.array([STEPS_IN - 1])
_BEFORE: Final = WARM_STEPS + STEPS_IN + HORIZONS
_SPEEDS: Final = """
    SELECT sensor_id, time, speed_kmh::real FROM readings_5m
    WHERE time >= %s AND time < %s AND speed_kmh IS NOT NULL
"""
_FIELDS: Final = {"id": ">i4", "time": ">i8", "speed": ">f4"}


class Corrected:
    """`learn` may be called by one thread while another warms or forecasts."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.is_warm = False
        self._correction = Correction(len(model.sensors))

    @property
    def name(self) -> str:
        return self.model.name

    def forecast(self, window: Window) -> Forecast:
        """As the model does, corrected."""
        [expected] = self.model.each_expected(self.model.frame_of(window), _NEWEST)
        return self.model.of_window(self._correction.told(expected), window)

    def learn(self, window: Window) -> None:
        """Of the hour that ended with a step."""
        frame, step = self.model.frame_of(window), _number(window.end) - 1
        [expected] = self.model.each_expected(frame, _NEWEST)
        self._correction.learn(step - SETTLED, frame.speeds_kmh[-1 - SETTLED])
        self._correction.told(expected, step)

    def warm(self, connection: psycopg.Connection[Any], now: datetime) -> None:
        """Learn from the last day that is stored, as if it had been forecast."""
        last = _number(now)
        frame = _stored(connection, self.model, last - _BEFORE, last)
        correction = Correction(len(self.model.sensors))
        for _ in walk(self.model, frame, np.arange(STEPS_IN - 1, len(frame)), correction, last - _BEFORE):
            pass
        self._correction, self.is_warm = correction, True


def _number(time: datetime) -> int:
    """Of the step that begins then or that it is in."""
    return int(time.timestamp()) // STEP_S


def _stored(connection: psycopg.Connection[Any], model: Model, first: int, last: int) -> Frame:
    """The steps from `first` to before `last` of the model's sensors. In the hours after clocks are changed its times
    of day are those from before."""
    zone = ZoneInfo(model.time_zone)
    begins, ends = (datetime.fromtimestamp(step * STEP_S, zone) for step in (first, last))
    rows = columns_of(connection, _SPEEDS, (begins, ends), _FIELDS)
    column = {sensor: number for number, sensor in enumerate(model.sensors)}
    of_sensor = {number: column[name] for number, name in sensor_names(connection).items() if name in column}
    columns = np.array([of_sensor.get(number, -1) for number in rows["id"].tolist()], int)
    steps = (rows["time"].astype(np.int64) + EPOCH_2000_US) // (STEP_S * 1_000_000) - first
    speeds = np.full((last - first, len(model.sensors)), np.nan, np.float32)
    ours = columns >= 0
    speeds[steps[ours], columns[ours]] = rows["speed"][ours]
    days = frozenset(holidays_between(model.region, begins.date(), ends.date())) if model.region else frozenset()
    clock = clock_s(begins, zone)
    known = conditions_of(connection, model.sensors, clock // STEP_S, len(speeds), zone)
    return Frame(clock, model.sensors, speeds, days, known)
