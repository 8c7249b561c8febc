"""What is said of the hour ahead where there is no model, or it has nothing to say: that it goes back to normal, and
where that is not known, that it goes on as it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
import psycopg

from spark.calendar import QUARTER, QUARTERS, Calendar, Moment
from spark.forecast.copied import columns_of, sensor_names
from spark.forecast.window import COVERAGE, HORIZONS, STEP, STEPS_IN, Floats, Forecast, Forecaster, Window
from urbanclear.public_holidays import DAY_TYPES

PROFILE: Final = "profile"
LAST_VALUE: Final = "last-value"

#: From the 10th and 90th percentile to what covers COVERAGE, of a normal distribution.
_WIDER: Final = 1.645 / 1.282
_LEAST_PAIRS: Final = 10
_HALF_NORMAL_AFTER: Final = timedelta(minutes=30)
"""It goes back half of the way from the last value to what is normal: about what is best on METR-LA."""
_LEFT: Final = 0.5 ** (np.arange(1, HORIZONS + 1, dtype=np.float32) * np.float32(STEP / _HALF_NORMAL_AFTER))

_PROFILES: Final = """
    SELECT sensors.id, array_position(%(kinds)s::text[], day_type) - 1, minute,
           profiles.speed_kmh, lower_kmh, upper_kmh
    FROM profiles JOIN sensors ON external_id = subject
    WHERE subject_kind = 'sensor' AND day_type = ANY(%(kinds)s)
"""
_FIELDS: Final = {"id": ">i4", "day": ">i4", "minute": ">i2", "speed": ">f4", "lower": ">f4", "upper": ">f4"}


@dataclass(frozen=True)
class LastValue:
    """It goes on as the newest five minutes that were measured in the hour.

    The interval reaches as far as COVERAGE of all sensors' speeds moved at most in as many minutes within the same
    hour; there is none where hardly any were measured.
    """

    name: str = LAST_VALUE

    def forecast(self, window: Window) -> Forecast:
        last = _last(window.speeds_kmh)
        speed = np.repeat(last[:, None], HORIZONS, axis=1)
        moved = _moves(window.speeds_kmh)
        lower = np.maximum(speed - moved, 0).astype(np.float32)
        return Forecast(speed, lower, (speed + moved).astype(np.float32), (self.name,) * len(window.sensors))


@dataclass(frozen=True)
class Profile:
    """It goes back from the last value to what is normal at that quarter of an hour of that kind of day, as the job
    `patterns` found it.

    `normal` is [speed, lower, upper; kinds of day · quarters; sensors], km/h, NaN where it is not known. Percentiles
    10 and 90 of the days are widened to an interval that covers COVERAGE of a normal distribution.
    """

    calendar: Calendar
    sensors: tuple[str, ...]
    normal: Floats
    name: str = PROFILE

    @classmethod
    def of(cls, connection: psycopg.Connection[Any], calendar: Calendar) -> "Profile":
        """As the newest run of the job left it; without one it knows of no sensor."""
        rows = columns_of(connection, _PROFILES, {"kinds": list(DAY_TYPES)}, _FIELDS)
        names = sensor_names(connection)
        ids, column = np.unique(rows["id"], return_inverse=True)
        normal = np.full((3, len(DAY_TYPES) * len(QUARTERS), len(ids)), np.nan, np.float32)
        slot = rows["day"] * len(QUARTERS) + rows["minute"] // QUARTER
        for number, field in enumerate(("speed", "lower", "upper")):
            normal[number, slot, column] = rows[field]
        return cls(calendar, tuple(names[number] for number in ids.tolist()), normal)

    def forecast(self, window: Window) -> Forecast:
        place = {sensor: number for number, sensor in enumerate(self.sensors)}
        columns = np.array([place.get(sensor, -1) for sensor in window.sensors], int)
        slots = [_slot(self.calendar.moment(_begins(window.end, step))) for step in range(HORIZONS)]
        now = _slot(self.calendar.moment(_begins(window.end, -1)))
        found = np.full((3, len(columns), HORIZONS), np.nan, np.float32)
        known = np.flatnonzero(columns >= 0)
        found[:, known] = self.normal[:, slots][:, :, columns[known]].swapaxes(1, 2)
        off = np.zeros(len(columns), np.float32)
        off[known] = np.nan_to_num(_last(window.speeds_kmh)[known] - self.normal[0, now, columns[known]])
        speed, lower, upper = found + off[:, None] * _LEFT
        speed = np.maximum(speed, 0)
        wide = (speed - (speed - lower) * _WIDER, speed + (upper - speed) * _WIDER)
        return Forecast(speed, np.maximum(wide[0], 0), wide[1], (self.name,) * len(columns))


@dataclass(frozen=True)
class Chain:
    """Each sensor's forecast is of the first in the chain that can say something for the whole hour."""

    links: Sequence[Forecaster]

    @property
    def name(self) -> str:
        return self.links[0].name

    def forecast(self, window: Window) -> Forecast:
        first, *others = self.links
        found = first.forecast(window)
        for link in others:
            lacking = np.asarray(np.isnan(found.speed_kmh).any(axis=1))
            if not lacking.any():
                break
            found = _filled(found, link.forecast(window), lacking)
        return found


def _filled(found: Forecast, other: Forecast, lacking: np.ndarray) -> Forecast:
    """`found` with all of `other` of the sensors that are `lacking`."""
    rows = lacking[:, None]
    return Forecast(
        np.where(rows, other.speed_kmh, found.speed_kmh),
        np.where(rows, other.lower_kmh, found.lower_kmh),
        np.where(rows, other.upper_kmh, found.upper_kmh),
        tuple(b if lacks else a for a, b, lacks in zip(found.models, other.models, lacking, strict=True)),
    )


def _last(speeds: Floats) -> Floats:
    """The newest that is known of each column; NaN where none is."""
    known = ~np.isnan(speeds)
    newest = STEPS_IN - 1 - np.argmax(known[::-1], axis=0)
    last: Floats = speeds[newest, np.arange(speeds.shape[1])]
    return last


def _moves(speeds: Floats) -> Floats:
    """By horizon, how far COVERAGE of the speeds moved at most; an hour has none that are an hour apart, so the last
    horizon has that of the one before it."""
    moves = np.full(HORIZONS, np.nan, np.float32)
    for step in range(1, HORIZONS):
        moved = np.abs(speeds[step:] - speeds[:-step])
        moved = moved[~np.isnan(moved)]
        if len(moved) >= _LEAST_PAIRS:
            moves[step - 1] = np.quantile(moved, COVERAGE)
    moves[HORIZONS - 1] = moves[HORIZONS - 2]
    return moves


def _begins(end: datetime, step: int) -> int:
    return int((end + step * STEP).timestamp())


def _slot(moment: Moment) -> int:
    return DAY_TYPES.index(moment.day_type) * len(QUARTERS) + moment.minute // QUARTER
