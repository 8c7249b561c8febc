"""Colours and thresholds that several panels have, each from where it is defined."""

from typing import Final

from grafana_foundation_sdk.builders.dashboard import ThresholdsConfig
from grafana_foundation_sdk.models.dashboard import Threshold, ThresholdsMode

from grafana.alerts.traffic import CITY_SLOW_TTI
from schema.los import COLOURS, LEAST_RATIO
from schema.quality import HEALTHY

BLUE: Final = "blue"
GREEN: Final = "green"
YELLOW: Final = "yellow"
ORANGE: Final = "orange"
RED: Final = "red"
PURPLE: Final = "purple"
TEXT: Final = "text"
"""That of words: neither good nor bad."""


def steps(base: str, *bounds: tuple[float, str]) -> ThresholdsConfig:
    """`base` below the first bound, then from each bound on its colour; works on a light and on a dark page."""
    first = Threshold(value=None, color=base)
    above = [Threshold(value=value, color=colour) for value, colour in bounds]
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps([first, *above])


def travel_time() -> ThresholdsConfig:
    """Of a travel time index."""
    return steps(GREEN, (1.3, ORANGE), (CITY_SLOW_TTI, RED))


def planning_time() -> ThresholdsConfig:
    """Of a planning time index: from where on twice the time of an empty road must be allowed, and three times."""
    return steps(GREEN, (2.0, ORANGE), (3.0, RED))


def good_share() -> ThresholdsConfig:
    """Of a share of good readings, 0 to 1: from where on data count as healthy."""
    return steps(RED, (HEALTHY, GREEN))


def age() -> ThresholdsConfig:
    """Of the newest reading, in seconds: a slow feed tells every 5 minutes, and after 15 it counts as silent."""
    return steps(GREEN, (360, ORANGE), (900, RED))


def congestion() -> ThresholdsConfig:
    """Of a speed over free-flow speed: the live page's colours of the levels of service."""
    return steps(COLOURS["F"], *((least, COLOURS[level]) for level, least in reversed(LEAST_RATIO)))
