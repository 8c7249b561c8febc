"""Weather: smooth, seasonal, with spells of rain and snow, and what it does to speed and capacity."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

import numpy as np

from ingest.sources.simulator.randomness import Purpose, generator
from schema.events import Weather, WeatherCondition

STATION: Final = "nyc-sim:central-park"
LATITUDE, LONGITUDE = 40.7794, -73.9692
KNOT_HOURS: Final = 4
WET: Final = 1.15  # of a standard normal: an eighth of the time
HEAVY_MM: Final = 6.35  # of rain in an hour
STRONGEST_MM: Final = 25.4


@dataclass(frozen=True)
class Effect:
    """Factors on free-flow speed and on capacity; 1 in fair weather."""

    speed: float
    capacity: float


class WeatherModel:
    """The city's weather at any time."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._normal = lru_cache(maxsize=1_024)(self._draw_normal)

    def at(self, time: datetime) -> Weather:
        """What the station observes when no scenario has its hand in it."""
        moisture, wind = self._smooth(time, 0), self._smooth(time, 1)
        temperature_c = self._temperature_c(time)
        rain_mm = max(0.0, moisture - WET) * 3.0
        return Weather(
            station=STATION,
            time=time,
            temperature_c=round(temperature_c, 1),
            precipitation_mm=round(rain_mm, 2),
            wind_speed_kmh=round(max(0.0, 14 + 7 * wind), 1),
            visibility_m=round(16_000 / (1 + 1.5 * rain_mm), -2),
            condition=_condition(moisture, rain_mm, temperature_c),
            lat=LATITUDE,
            lon=LONGITUDE,
        )

    def _temperature_c(self, time: datetime) -> float:
        """Warmest late in July and in mid-afternoon (19:00 UTC)."""
        utc = time.astimezone(UTC)
        year = math.cos(2 * math.pi * (utc.timetuple().tm_yday - 205) / 365.25)
        day = math.cos(2 * math.pi * (utc.hour + utc.minute / 60 - 19) / 24)
        return 13 + 12.5 * year + 3.5 * day + 3 * self._smooth(time, 2)

    def _smooth(self, time: datetime, channel: int) -> float:
        """A normal draw every four hours, with a smooth way from each to the next."""
        knots = time.timestamp() / 3600 / KNOT_HOURS
        before, share = int(knots // 1), knots % 1
        weight = share * share * (3 - 2 * share)
        a, b = (self._draw(number, channel) for number in (before, before + 1))
        return a + (b - a) * weight

    def _draw(self, knot: int, channel: int) -> float:
        """Each is related to the one before, so that spells last."""
        own = [self._normal(knot - back, channel) for back in (0, 1, 2)]
        return 0.72 * own[0] + 0.55 * own[1] + 0.42 * own[2]

    def _draw_normal(self, knot: int, channel: int) -> float:
        return float(generator(self._seed, Purpose.WEATHER, knot, channel).normal())


def effect(weather: Weather) -> Effect:
    """What the weather does to traffic.

    FHWA, Road Weather Management, "How do weather events impact roads?": light and heavy rain take 2–13 % and
    3–16 % off freeway speeds and 4–11 % and 10–30 % off capacity; snow 5–40 % and 12–27 %. Rain is heavy from
    `HEAVY_MM` on, after Agarwal, Maze and Souleyrette ("Impacts of weather on urban freeway traffic flow
    characteristics and facility capacity", 2005), and as strong as it gets at `STRONGEST_MM`.
    """
    falling = weather.precipitation_mm or 0.0
    if falling <= 0:
        return Effect(1.0, 1.0)
    if weather.condition == "snow":
        strength = min(1.0, falling / 5.0)
        return Effect(0.95 - 0.30 * strength, 0.88 - 0.15 * strength)
    points = (0.0, HEAVY_MM, STRONGEST_MM)
    speed, capacity = (np.interp(falling, points, shares) for shares in ((0.98, 0.87, 0.84), (0.96, 0.89, 0.70)))
    return Effect(float(speed), float(capacity))


def _condition(moisture: float, rain_mm: float, temperature_c: float) -> WeatherCondition:
    if rain_mm > 0:
        return "snow" if temperature_c < 0.5 else "rain"
    return "cloud" if moisture > 0 else "clear"
