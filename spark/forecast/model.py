"""A forecaster: networks that were trained from different seeds, and intervals as wide as they turned out to need.

The mean of the networks is told. The interval is conformalised quantile regression (Romano, Patterson and Candès,
NeurIPS 2019): by horizon, both ends are moved out so far that it held its share of hours the networks had not seen.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np

from spark.forecast.cores import one_core_each
from spark.forecast.features import look
from spark.forecast.frame import Frame, Ints
from spark.forecast.network import QUANTILES, Network
from spark.forecast.usual import Usual
from spark.forecast.window import HORIZONS, Floats, Forecast, Window
from urbanclear.public_holidays import holidays_between

LOWER, MIDDLE, UPPER = range(len(QUANTILES))
_ROWS_AT_ONCE = 10_000
FORM: Final = 2
"""Of what a model sees, `features.look`: another number whenever that changes."""


@dataclass(frozen=True)
class Expected:
    """What a model says by itself, and what it is held against, km/h: `told` is [sensors, HORIZONS, lower · middle ·
    upper], `last`, [sensors], the newest speed of the hour or else what is usual, `usual` [sensors, HORIZONS]; or a
    row of these each hour."""

    told: Floats
    last: Floats
    usual: Floats


@dataclass(frozen=True)
class Model:
    """Of `sensors`. `widen_kmh` is [HORIZONS]; `region`, where there is one, is whose public holidays count."""

    name: str
    sensors: tuple[str, ...]
    usual: Usual
    neighbours: Ints
    networks: tuple[Network, ...]
    widen_kmh: Floats
    time_zone: str
    region: str | None
    form: int = FORM

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Raises `ValueError` for a model that sees other features than this code shows it."""
        if state.get("form") != FORM:
            raise ValueError("it sees an hour in another form")
        self.__dict__.update(state)

    def forecast(self, window: Window) -> Forecast:
        """Nothing is said of a sensor that the model was not trained on, or that measured nothing in the hour."""
        frame = self.frame_of(window)
        return self.of_window(self.foretell(frame, np.array([len(frame) - 1]))[0], window)

    def frame_of(self, window: Window) -> Frame:
        """Of the model's sensors, by its city's clock."""
        day = window.end.astimezone(ZoneInfo(self.time_zone)).date()
        days = frozenset(holidays_between(self.region, day, day)) if self.region else frozenset()
        return Frame.of_window(window, ZoneInfo(self.time_zone), days).of_sensors(self.sensors)

    def of_window(self, told: Floats, window: Window) -> Forecast:
        """`told`, [sensors of the model, HORIZONS, 3], by the sensors of `window`."""
        column = {sensor: number for number, sensor in enumerate(self.sensors)}
        wanted = np.array([column.get(sensor, len(column)) for sensor in window.sensors], np.int64)
        told = np.concatenate([told, np.full((1, *told.shape[1:]), np.nan, np.float32)])[wanted]
        models = tuple(self.name if said else "" for said in np.isfinite(told[:, 0, MIDDLE]))
        return Forecast(told[..., MIDDLE], told[..., LOWER], told[..., UPPER], models)

    def foretell(self, frame: Frame, ends: Ints) -> Floats:
        """[hours, sensors of the model, HORIZONS, lower · middle · upper], km/h, for the hours whose newest steps are
        `ends`; NaN as in `forecast`."""
        told = [expected.told for expected in self.each_expected(frame, ends)]
        return np.stack(told) if told else np.empty((0, len(self.sensors), HORIZONS, len(QUANTILES)), np.float32)

    def each_expected(self, frame: Frame, ends: Ints) -> Iterator[Expected]:
        """Hour by hour, as in `foretell`."""
        frame = frame.of_sensors(self.sensors)
        hours = max(1, _ROWS_AT_ONCE // max(len(self.sensors), 1))
        for first in range(0, len(ends), hours):
            with one_core_each():
                some = self._expected(frame, ends[first : first + hours])
            yield from map(Expected, some.told, some.last, some.usual)

    def _expected(self, frame: Frame, ends: Ints) -> Expected:
        seen = look(frame, ends, self.usual, self.neighbours)
        told = np.mean([network.predict(seen.seen, seen.sensor) for network in self.networks], axis=0)
        told[..., LOWER] = np.minimum(told[..., LOWER] - self.widen_kmh, told[..., MIDDLE])
        told[..., UPPER] = np.maximum(told[..., UPPER] + self.widen_kmh, told[..., MIDDLE])
        told = np.maximum(told + seen.last[:, None, None], 0)
        told[~seen.measured] = np.nan
        shape = (len(ends), len(self.sensors))
        return Expected(
            told.astype(np.float32).reshape(*shape, HORIZONS, len(QUANTILES)),
            seen.last.reshape(shape),
            seen.usual_ahead.reshape(*shape, HORIZONS),
        )
