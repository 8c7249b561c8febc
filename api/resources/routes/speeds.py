"""How fast each link is at any time, from the best that is known, and how long it takes to cross it.

Speeds are constant for minutes at a time. A link is crossed part by part, each at the speed of its time, so that who
enters it later never leaves it earlier (FIFO): so Dijkstra's algorithm is right although speeds change.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

Basis = Literal["forecast", "current", "profile", "free_flow"]

#: A queue that stands for five minutes still moves on: below a walk's speed no link is counted.
LEAST_KMH: Final = 3.0
#: So long a measured speed is the best guess where there is no forecast: then what is normal is closer.
CURRENT_S: Final = 15 * 60
QUARTER_S: Final = 15 * 60
FORECAST_S: Final = 5 * 60
MS_PER_KMH: Final = 1 / 3.6


@dataclass(frozen=True)
class Speed:
    """A speed with its interval, where one is known, and what it was taken from."""

    kmh: float
    basis: Basis
    lower_kmh: float | None = None
    upper_kmh: float | None = None
    model: str | None = None


@dataclass(frozen=True)
class Piece:
    """The speed that holds until a time, in seconds since 1970."""

    speed: Speed
    until: float


@dataclass(frozen=True)
class Known:
    """All that is known of one link's speeds.

    A forecast is of the five minutes that end at its time; the forecasts are in the order of their times. `normal` is
    by the start of a quarter of an hour.
    """

    as_of: float
    forecasts: Sequence[tuple[float, Speed]] = ()
    current: Speed | None = None
    normal: Mapping[int, Speed] = field(default_factory=dict)
    free_flow: Speed | None = None

    def at(self, time: float) -> Piece | None:
        """What holds at `time`: a forecast, for a quarter of an hour what was measured, what is normal, free flow."""
        place = bisect_right(self.forecasts, time, key=lambda forecast: forecast[0])
        following, forecast = self.forecasts[place] if place < len(self.forecasts) else (float("inf"), None)
        if forecast is not None and following - FORECAST_S <= time:
            return Piece(forecast, following)
        quarter = int(time // QUARTER_S) * QUARTER_S
        until = min(following - FORECAST_S, quarter + QUARTER_S)
        if self.current is not None and time < self.as_of + CURRENT_S:
            return Piece(self.current, min(following - FORECAST_S, self.as_of + CURRENT_S))
        found = self.normal.get(quarter) or self.free_flow or self.current
        return None if found is None else Piece(found, until)

    @property
    def is_enough(self) -> bool:
        """Whether there is a speed at any time: who would cross a link of unknown speed is never told when."""
        return self.free_flow is not None or self.current is not None


Bound = Callable[[Speed], float]
SpeedAt = Callable[[int, float], Piece]


def expected(speed: Speed) -> float:
    return speed.kmh


def slowest(speed: Speed) -> float:
    """The interval's lower end; the speed itself where it has none."""
    return speed.kmh if speed.lower_kmh is None else min(speed.lower_kmh, speed.kmh)


def quickest(speed: Speed) -> float:
    return speed.kmh if speed.upper_kmh is None else max(speed.upper_kmh, speed.kmh)


def crossed_at(
    speed_at: SpeedAt, link: int, length_m: float, entered: float, *, bound: Bound = expected, slowed: float = 1.0
) -> float:
    """When a stretch of `length_m` of a link that is entered at `entered` is behind one; `slowed` makes it longer."""
    left, time = length_m * slowed, entered
    while True:
        piece = speed_at(link, time)
        speed = max(LEAST_KMH, bound(piece.speed)) * MS_PER_KMH
        if time + left / speed <= piece.until:
            return time + left / speed
        left -= (piece.until - time) * speed
        time = piece.until
