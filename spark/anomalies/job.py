"""The anomalies job: a corridor's sensors against the normal band, against their neighbours, and against silence."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import pandas as pd

from schema.tables import anomalies
from spark.anomalies import stretches
from spark.anomalies.band import spread_of
from spark.anomalies.stretches import Stretch
from spark.city import City
from spark.days import Days
from spark.patterns.profiles import profile
from spark.reporting import Reporting
from spark.runs import Result, Run
from spark.series import Look, Series

_COLUMNS: Final = ("sensor_id", "time", "kind", "ended_at", "score", "expected", "observed")
_FOUND: Final = "sensor_id int, kind string, start long, end long, score double, expected double, observed double"


def compute(run: Run, city: City) -> None:
    """Into `anomalies`, in the place of all that began in the span."""
    with run.stage("Looking for what is not normal"):
        found = city.each(_look(city.days, city.reporting), _FOUND)
    rows = [_row(one) for one in found.itertuples(index=False)]
    forget, values = "time >= %s AND time < %s", (run.span.start, run.span.end)
    run.store(Result(anomalies, _COLUMNS, rows, forget, values))


def _look(days: Days, reporting: Reporting) -> Look:
    def look(corridors: list[list[Series]]) -> pd.DataFrame:
        found = [
            (sensor, *_values(one))
            for corridor in corridors
            for sensor, one in of_corridor(corridor, days, reporting)
        ]
        return pd.DataFrame(found, columns=["sensor_id", "kind", "start", "end", "score", "expected", "observed"])

    return look


def of_corridor(corridor: list[Series], days: Days, reporting: Reporting) -> Iterator[tuple[int, Stretch]]:
    """What is found at each sensor of a corridor, from its beginning to its end."""
    known = [_Known.of(series, days) for series in corridor]
    for place, one in enumerate(known):
        beside = [known[at] for at in (place - 1, place + 1) if 0 <= at < len(known)]
        for stretch in one.found(beside, reporting):
            yield one.series.sensor.id, stretch


@dataclass(frozen=True)
class _Known:
    """A series against its own normal band."""

    series: Series
    days: np.ndarray
    kinds: np.ndarray
    expected: np.ndarray
    z: np.ndarray

    @classmethod
    def of(cls, series: Series, days: Days) -> "_Known":
        band = profile(days.quarters(series), days.kinds)
        day, quarter = days.at(series.epochs)
        expected, lower, upper = (each[days.kinds[day], quarter] for each in (band.speed, band.lower, band.upper))
        spread = spread_of(series.speeds, expected, lower, upper)
        return cls(series, day, days.kinds, expected, stretches.deviations(series.speeds, expected, spread))

    def found(self, beside: "list[_Known]", reporting: Reporting) -> Iterator[Stretch]:
        good, series = ~np.isnan(self.z), self.series
        epochs, speeds, expected, z = (array[good] for array in (series.epochs, series.speeds, self.expected, self.z))
        yield from stretches.off_normal(epochs, speeds, expected, z)
        if beside:
            yield from stretches.unlike(epochs, speeds, expected, z, self._of_others(beside)[good])
        yield from stretches.level_shift(series.epochs, series.speeds, self.days, self.kinds)
        yield from stretches.stuck(series.epochs, series.stuck)
        yield from stretches.silent(series.epochs, reporting.shares, reporting.first, reporting.last)

    def _of_others(self, beside: "list[_Known]") -> np.ndarray:
        """The farthest from normal that any neighbour is at each time; NaN where none is known."""
        mine, each = self.series.epochs, []
        for other in beside:
            theirs = other.series.epochs
            at = np.minimum(np.searchsorted(theirs, mine), len(theirs) - 1)
            each.append(np.where(theirs[at] == mine, np.abs(other.z[at]), np.nan))
        found: np.ndarray = np.fmax.reduce(each)
        return found


def _values(one: Stretch) -> tuple[Any, ...]:
    return one.kind, one.start, one.end, one.score, one.expected, one.observed


def _row(one: Any) -> tuple[Any, ...]:
    known = [None if pd.isna(value) else float(value) for value in (one.score, one.expected, one.observed)]
    return (int(one.sensor_id), _time(one.start), one.kind, _time(one.end), *known)


def _time(epoch: float | None) -> datetime | None:
    return None if epoch is None or pd.isna(epoch) else datetime.fromtimestamp(int(epoch), UTC)
