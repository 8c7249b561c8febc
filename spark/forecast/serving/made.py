"""Predictions that were made together: of all sensors at a full minute, or of some in between."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from schema.events import Prediction
from spark.forecast.window import HORIZONS, STEP, Floats, Forecast, Window

ALL: Final = tuple(range(1, HORIZONS + 1))
#: Horizons, in steps, that are told anew with each reading: those that the live page shows, and the nearest. A minute
#: of readings then tells a third of what the full minute does.
BETWEEN: Final = (1, 3, 6, 12)
_DECIMALS: Final = 2


@dataclass(frozen=True)
class Made:
    """Forecasts for the hour after `end`, made at `at`; arrays are [sensors, HORIZONS]."""

    at: datetime
    end: datetime
    sensors: tuple[str, ...]
    models: tuple[str, ...]
    speed_kmh: Floats
    lower_kmh: Floats
    upper_kmh: Floats

    @classmethod
    def of(cls, window: Window, forecast: Forecast, at: datetime) -> "Made":
        """Speeds are never below zero nor without bounds, whatever made them."""
        columns = (forecast.speed_kmh, forecast.lower_kmh, forecast.upper_kmh)
        return cls(at, window.end, window.sensors, forecast.models, *map(_speeds, columns))

    def predictions(
        self, sensors: Collection[str] | None = None, horizons: Sequence[int] = ALL
    ) -> Iterator[Prediction]:
        """Of these sensors, or of all, at these horizons, where something is said."""
        ahead = [(step - 1, self.end + step * STEP, step * int(STEP.total_seconds())) for step in horizons]
        told = [np.round(column.astype(float), _DECIMALS) for column in self._columns]
        rows = zip(self.sensors, self.models, *(column.tolist() for column in told), strict=True)
        for sensor, model, speeds, lowers, uppers in rows:
            if sensors is not None and sensor not in sensors:
                continue
            for step, target, horizon_s in ahead:
                if (speed := speeds[step]) == speed:
                    yield Prediction(
                        sensor=sensor,
                        made_at=self.at,
                        target_time=target,
                        horizon_s=horizon_s,
                        speed_kmh=speed,
                        lower_kmh=_or_none(lowers[step]),
                        upper_kmh=_or_none(uppers[step]),
                        model=model,
                    )

    @property
    def _columns(self) -> tuple[Floats, Floats, Floats]:
        return self.speed_kmh, self.lower_kmh, self.upper_kmh


def _speeds(column: Floats) -> Floats:
    found: Floats = np.where(np.isfinite(column), np.maximum(column, 0), np.nan)
    return found


def _or_none(value: float) -> float | None:
    return value if value == value else None
