"""Colours and thresholds that several panels have, each from where it is defined."""

from typing import Final

from grafana_foundation_sdk.builders.dashboard import ThresholdsConfig
from grafana_foundation_sdk.models.dashboard import Threshold, ThresholdsMode

from schema.los import COLOURS, LEAST_RATIO

BLUE: Final = "blue"
GREEN: Final = "green"
YELLOW: Final = "yellow"
ORANGE: Final = "orange"
RED: Final = "red"


def steps(base: str, *bounds: tuple[float, str]) -> ThresholdsConfig:
    """`base` below the first bound, then from each bound on its colour; works on a light and on a dark page."""
    first = Threshold(value=None, color=base)
    above = [Threshold(value=value, color=colour) for value, colour in bounds]
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps([first, *above])


def congestion() -> ThresholdsConfig:
    """Of a speed over free-flow speed: the live page's colours of the levels of service."""
    return steps(COLOURS["F"], *((least, COLOURS[level]) for level, least in reversed(LEAST_RATIO)))
