"""Congestion has one set of colours: that of the live page, on dashboards too."""

import re
from pathlib import Path

from grafana.colours import congestion
from schema.los import COLOURS, LEAST_RATIO, level_of_service

THEMES = Path(__file__).parents[2] / "api" / "page" / "themes.css"


def test_each_level_has_the_colour_of_the_live_page_on_a_light_ground() -> None:
    light = THEMES.read_text().partition("[data-theme")[0]
    page = {
        level.upper(): colour
        for levels, colour in re.findall(r"--los-([a-f]+): (#[0-9a-f]{6})", light)
        for level in levels
    }
    assert page == COLOURS


def test_a_speed_is_coloured_as_its_level_is() -> None:
    steps = congestion().build().steps
    assert [step.value for step in steps] == [None, *sorted(least for _, least in LEAST_RATIO)]
    for below, above in zip(steps, [*steps[1:], None], strict=True):
        ratio = ((below.value or 0) + (above.value or 1 if above else 1)) / 2
        level = level_of_service(ratio)
        assert level is not None
        assert below.color == COLOURS[level], ratio
