"""What a forecast is made from, and what it is: an hour of steps in, an hour of steps out, of all sensors at once.

A step is the mean of five minutes. A forecast for a time is of the five minutes that end then, so the first horizon,
5 minutes, is the step that begins when the window ends.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

STEP: Final = timedelta(minutes=5)
STEPS_IN: Final = 12
HORIZONS: Final = 12
#: Of the interval: how often what then happens lies inside.
COVERAGE: Final = 0.9

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Window:
    """The newest hour. `speeds_kmh` is [STEPS_IN, sensors], the newest step last, NaN where nothing was measured;
    `end`, aware, is when its newest step ended. `rain_mm` fell in it, NaN where that is not known; `lanes_blocked` by
    incidents are [sensors], where they are known."""

    end: datetime
    sensors: tuple[str, ...]
    speeds_kmh: Floats
    rain_mm: float = float("nan")
    lanes_blocked: Floats | None = None


@dataclass(frozen=True)
class Forecast:
    """What is expected: [sensors, HORIZONS] each, NaN where nothing can be said; `models` names, by sensor, what it
    was made with."""

    speed_kmh: Floats
    lower_kmh: Floats
    upper_kmh: Floats
    models: tuple[str, ...]


class Forecaster(Protocol):
    """What foretells: a model with what it falls back on. It may be asked about sensors that it was not trained on,
    in any order."""

    @property
    def name(self) -> str: ...

    def forecast(self, window: Window) -> Forecast: ...
