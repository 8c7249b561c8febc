"""How many vehicles want to use each link, as a share of its capacity: the city's daily and weekly rhythm.

The rhythm is that of speeds in New York's DOT feed of 2017: a test holds the simulated speeds to it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import holidays
import numpy as np

from ingest.sources.simulator.network import Link
from ingest.sources.simulator.randomness import Purpose, generator, uniforms
from ingest.sources.simulator.vectors import Vector

NEW_YORK: Final = ZoneInfo("America/New_York")
MIDTOWN: Final = (40.755, -73.985)
WEEK_HOURS: Final = 7 * 24
SUNDAY: Final = 6
HOLIDAYS: Final = holidays.country_holidays("US")

# Demand at each full hour over what the average link carries, and the part of it that goes towards Midtown rather
# than away.
WORKDAY: Final = (
    *(0.42, 0.30, 0.22, 0.18, 0.24, 0.42, 0.75, 1.00, 1.05, 1.02, 0.98, 0.97),
    *(0.96, 0.96, 0.99, 1.02, 1.06, 1.08, 1.04, 0.96, 0.86, 0.74, 0.64, 0.54),
)
WEEKEND: Final = (
    *(0.48, 0.38, 0.29, 0.22, 0.19, 0.22, 0.30, 0.42, 0.56, 0.71, 0.83, 0.91),
    *(0.97, 1.00, 1.02, 1.04, 1.05, 1.06, 1.06, 1.03, 0.93, 0.81, 0.70, 0.58),
)
TIDE: Final = (
    *(0.0, 0.0, 0.0, 0.0, 0.03, 0.08, 0.13, 0.16, 0.16, 0.12, 0.06, 0.02),
    *(0.0, -0.02, -0.04, -0.08, -0.12, -0.14, -0.12, -0.07, -0.03, 0.0, 0.0, 0.0),
)
LEVEL: Final = np.array([*WORKDAY * 5, *WEEKEND * 2])
DIRECTION: Final = np.array([*TIDE * 5, *(0.0,) * 48])


class Demand:
    """Demand of links over their nominal capacity, and the capacity they usually have."""

    def __init__(self, seed: int, links: Sequence[Link]) -> None:
        self._seed = seed
        numbers = np.arange(len(links))
        #: Share of nominal capacity left by merges, signals, parking: what the queue in front of them discharges.
        self.usual_capacity = 0.62 + 0.38 * uniforms(seed, Purpose.ROADS, numbers, 0)
        self._popularity = 0.80 + 0.42 * uniforms(seed, Purpose.ROADS, numbers, 1)
        self.inbound = np.array([_inbound(link) for link in links])
        self._day_factor = lru_cache(maxsize=64)(self._draw_day)

    def at(self, seconds: Vector) -> Vector:
        """Demand by time (seconds since 1970) and link; 1 is nominal capacity. Inbound peaks come in the morning."""
        local = [datetime.fromtimestamp(second, UTC).astimezone(NEW_YORK) for second in seconds.tolist()]
        hours = np.array([_week_hour(time) for time in local])
        level = _at_week_hour(hours, LEVEL) * [self._busyness(time) for time in local]
        tide = _at_week_hour(hours, DIRECTION)
        return np.asarray((level[:, None] + tide[:, None] * self.inbound) * self._popularity * self.usual_capacity)

    def _busyness(self, local: datetime) -> float:
        """Some days are busier than others; from noon to noon one passes into the next."""
        share = (local.hour + local.minute / 60) / 24 - 0.5
        today, beside = local.toordinal(), local.toordinal() + (1 if share > 0 else -1)
        return float(self._day_factor(today) * (1 - abs(share)) + self._day_factor(beside) * abs(share))

    def _draw_day(self, day: int) -> float:
        return float(generator(self._seed, Purpose.DAYS, day).normal(1.0, 0.025))


def _week_hour(local: datetime) -> float:
    """A federal holiday is as a Sunday is."""
    weekday = SUNDAY if local.date() in HOLIDAYS else local.weekday()
    return weekday * 24 + local.hour + local.minute / 60 + local.second / 3600


def _at_week_hour(hours: Vector, table: Vector) -> Vector:
    return np.asarray(np.interp(hours, np.arange(WEEK_HOURS + 1), np.append(table, table[0])))


def _inbound(link: Link) -> float:
    """1 straight towards Midtown, −1 straight away from it."""
    (lat1, lon1), (lat2, lon2) = link.shape[0], link.shape[-1]
    along = np.array([lat2 - lat1, (lon2 - lon1) * 0.76])
    towards = np.array([MIDTOWN[0] - lat1, (MIDTOWN[1] - lon1) * 0.76])
    length = float(np.linalg.norm(along) * np.linalg.norm(towards))
    return float(along @ towards) / length if length else 0.0
