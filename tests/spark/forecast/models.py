"""The plainest model: every sensor goes on at one speed."""

from dataclasses import dataclass

import numpy as np

from spark.forecast.window import HORIZONS, Forecast, Window


@dataclass(frozen=True)
class Level:
    """Foretells `kmh`, give or take 5."""

    name: str
    kmh: float

    def forecast(self, window: Window) -> Forecast:
        speeds = np.full((len(window.sensors), HORIZONS), self.kmh, dtype=np.float32)
        return Forecast(speeds, speeds - 5, speeds + 5, (self.name,) * len(window.sensors))
