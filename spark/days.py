"""The days of a span as arrays, by which whole series are put into the city's own time."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from spark.calendar import HOURS_OF_WEEK, QUARTER, QUARTERS, STEP_S, Calendar
from spark.series import Series
from spark.spans import Span
from urbanclear.public_holidays import DAY_TYPES


@dataclass(frozen=True)
class Days:
    """A span's days: of each 5 minutes from the epoch `first` on the number of its `day` and its `quarter` of an
    hour; of each day its date, the number of its kind in `DAY_TYPES` and its weekday."""

    first: int
    day: np.ndarray
    quarter: np.ndarray
    dates: list[date]
    kinds: np.ndarray
    weekdays: np.ndarray

    @classmethod
    def of_span(cls, calendar: Calendar, span: Span) -> "Days":
        """Those that the span has a part of."""
        moments = list(calendar.moments(span))
        days = sorted({moment.day for moment in moments})
        number = {day: at for at, day in enumerate(days)}
        return cls(
            first=moments[0].epoch,
            day=np.array([number[moment.day] for moment in moments]),
            quarter=np.array([moment.minute // QUARTER for moment in moments]),
            dates=days,
            kinds=np.array([DAY_TYPES.index(calendar.day_type(day)) for day in days]),
            weekdays=np.array([day.weekday() for day in days]),
        )

    def at(self, epochs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Number of the day and quarter of an hour of each."""
        places = (epochs - self.first) // STEP_S
        return self.day[places], self.quarter[places]

    def date_of(self, epoch: int) -> date:
        """Of the day in which it lies."""
        return self.dates[int(self.day[(epoch - self.first) // STEP_S])]

    def quarters(self, series: Series) -> np.ndarray:
        """Means of speeds, and of volumes, for each day (rows) and quarter of an hour; NaN where none is known."""
        day, quarter = self.at(series.epochs)
        places, shape = day * len(QUARTERS) + quarter, (len(self.kinds), len(QUARTERS))
        means = [_means(places, values, shape[0] * shape[1]) for values in (series.speeds, series.volumes)]
        return np.array(means).reshape(2, *shape)

    def week(self, series: Series) -> np.ndarray:
        """Mean speeds of each hour of the week, from Monday 0:00; NaN where none is known."""
        day, quarter = self.at(series.epochs)
        return _means(self.weekdays[day] * 24 + quarter * QUARTER // 60, series.speeds, HOURS_OF_WEEK)


def _means(places: np.ndarray, values: np.ndarray, size: int) -> np.ndarray:
    known = ~np.isnan(values)
    counts = np.bincount(places[known], minlength=size)
    sums = np.bincount(places[known], values[known], minlength=size)
    means: np.ndarray = np.divide(sums, counts, out=np.full(size, np.nan), where=counts > 0)
    return means
