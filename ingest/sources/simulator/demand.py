"""How many vehicles want to use each link, as a share of its capacity: the city's daily and weekly rhythm."""

import math
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from ingest.sources.simulator.network import Link
from ingest.sources.simulator.randomness import Purpose, generator

NEW_YORK = ZoneInfo("America/New_York")
MIDTOWN = (40.755, -73.985)
WEEKEND = 5

Vector = NDArray[np.float64]


class Demand:
    """Demand over capacity, by link."""

    def __init__(self, seed: int, links: Sequence[Link]) -> None:
        self._seed = seed
        draws = generator(seed, Purpose.ROADS)
        self._popularity = draws.uniform(0.78, 1.30, len(links))
        self._inbound = np.array([_inbound(link) for link in links])

    def at(self, time: datetime) -> Vector:
        """The ratio at `time`; 1 is capacity. Peaks inbound in the morning, outbound in the evening."""
        local = time.astimezone(NEW_YORK)
        hour = local.hour + local.minute / 60 + local.second / 3600
        daily = _weekend(hour) if local.weekday() >= WEEKEND else self._weekday(hour)
        return daily * self._popularity * self._day_factor(local)

    def _weekday(self, hour: float) -> Vector:
        morning = (0.22 + 0.15 * self._inbound) * _bump(hour, 8.2, 1.3)
        evening = (0.24 - 0.13 * self._inbound) * _bump(hour, 17.4, 1.7)
        return np.asarray(_base(hour) + morning + evening)

    def _day_factor(self, local: datetime) -> float:
        """Some days are busier than others."""
        return float(generator(self._seed, Purpose.DAYS, local.date().toordinal()).normal(1.0, 0.03))


def _base(hour: float) -> float:
    """Least at half past three, level through the day."""
    return 0.12 + 0.62 / (1 + math.exp(-(hour - 6.3) * 1.6)) / (1 + math.exp((hour - 21.0) * 0.9))


def _weekend(hour: float) -> Vector:
    return np.asarray(_base(hour - 2) + 0.12 * _bump(hour, 14.5, 3.2))


def _bump(hour: float, centre: float, width: float) -> float:
    return math.exp(-((hour - centre) ** 2) / (2 * width**2))


def _inbound(link: Link) -> float:
    """1 straight towards Midtown, −1 straight away from it."""
    (lat1, lon1), (lat2, lon2) = link.shape[0], link.shape[-1]
    along = np.array([lat2 - lat1, (lon2 - lon1) * 0.76])
    towards = np.array([MIDTOWN[0] - lat1, (MIDTOWN[1] - lon1) * 0.76])
    length = float(np.linalg.norm(along) * np.linalg.norm(towards))
    return float(along @ towards) / length if length else 0.0
