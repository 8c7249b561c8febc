"""Speeds of many sensors in steps of five minutes, by the city's own clock."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from spark.forecast.window import HORIZONS, STEP, STEPS_IN, Floats, Window

STEP_S: Final = int(STEP.total_seconds())
DAY_S: Final = 86_400
STEPS_A_DAY: Final = DAY_S // STEP_S
_SUNDAY: Final = 6
_EPOCHS_WEEKDAY: Final = 3  # 1 January 1970 was a Thursday

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def clock_s(time: datetime, zone: tzinfo) -> int:
    """What the clock of `zone` shows at `time`, in seconds since 1970 as if it were UTC."""
    return int(time.astimezone(zone).replace(tzinfo=UTC).timestamp())


@dataclass(frozen=True)
class Conditions:
    """Beside speeds: `rain_mm` is [steps], what fell in the hour before, and `lanes_blocked` [steps, sensors], by
    incidents that were known of and lasted, one at least by each; NaN where that is not known."""

    rain_mm: Floats
    lanes_blocked: Floats

    @classmethod
    def unknown(cls, steps: int, sensors: int) -> "Conditions":
        return cls(np.full(steps, np.nan, np.float32), np.full((steps, sensors), np.nan, np.float32))


@dataclass(frozen=True)
class Frame:
    """`clock_s` is when the first step begins, in seconds since 1970 as the city's clock shows them; `speeds_kmh` is
    [steps, sensors], NaN where nothing was measured; each of `holidays` counts as a Sunday. What else is known of the
    steps are `conditions`."""

    clock_s: int
    sensors: tuple[str, ...]
    speeds_kmh: Floats
    holidays: frozenset[date] = frozenset()
    known: Conditions | None = None

    @classmethod
    def of_window(cls, window: Window, zone: tzinfo, holidays: frozenset[date]) -> "Frame":
        """A window's hour, with nothing known of the hour after it."""
        first = clock_s(window.end, zone) - STEPS_IN * STEP_S
        lanes, known = window.lanes_blocked, None
        if lanes is not None:
            rain = np.full(STEPS_IN, window.rain_mm, np.float32)
            known = Conditions(rain, np.tile(lanes, (STEPS_IN, 1)))
        return cls(first, window.sensors, window.speeds_kmh, holidays, known)

    def __len__(self) -> int:
        return len(self.speeds_kmh)

    @property
    def first(self) -> datetime:
        return datetime.fromtimestamp(self.clock_s, UTC).replace(tzinfo=None)

    @property
    def end(self) -> datetime:
        return datetime.fromtimestamp(self.clock_s + len(self) * STEP_S, UTC).replace(tzinfo=None)

    @property
    def conditions(self) -> Conditions:
        return self.known or Conditions.unknown(len(self), len(self.sensors))

    @cached_property
    def ends(self) -> Ints:
        """The newest step of each hour that has an hour before its end and one behind it."""
        return np.arange(STEPS_IN - 1, len(self) - HORIZONS)

    def cut(self, first: int, end: int) -> "Frame":
        """The steps from `first` to before `end`."""
        part = slice(first, end)
        known = self.known and Conditions(self.known.rain_mm[part], self.known.lanes_blocked[part])
        return Frame(self.clock_s + first * STEP_S, self.sensors, self.speeds_kmh[part], self.holidays, known)

    def of_sensors(self, sensors: Iterable[str]) -> "Frame":
        """With these columns, in this order; NaN where one is not known."""
        wanted = tuple(sensors)
        if wanted == self.sensors:
            return self
        column = {sensor: number for number, sensor in enumerate(self.sensors)}
        columns = [column.get(sensor, len(column)) for sensor in wanted]

        def chosen(table: Floats) -> Floats:
            return np.pad(table, ((0, 0), (0, 1)), constant_values=np.nan)[:, columns]

        known = self.known and Conditions(self.known.rain_mm, chosen(self.known.lanes_blocked))
        return Frame(self.clock_s, wanted, chosen(self.speeds_kmh), self.holidays, known)

    def seconds(self, steps: Ints) -> Ints:
        """When steps begin, also such as lie beyond either end."""
        return self.clock_s + steps * STEP_S

    def weekdays(self, steps: Ints) -> Ints:
        """0 on Mondays, 6 on Sundays and holidays."""
        days = self.seconds(steps) // DAY_S
        weekdays = (days + _EPOCHS_WEEKDAY) % 7
        if self.holidays:
            first = date(1970, 1, 1).toordinal()
            numbers = np.array([day.toordinal() - first for day in self.holidays])
            weekdays[np.isin(days, numbers)] = _SUNDAY
        return weekdays

    def minutes(self, steps: Ints) -> Ints:
        """Of the day."""
        return self.seconds(steps) % DAY_S // 60
