"""Links on the map: their colours and widths, as readings arrive, and by area."""

import re
from itertools import combinations
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from schema.publisher import Publisher
from tests.api.conftest import LiveApi
from tests.api.page.browser import visit
from tests.api.page.colours import SIGHTS, difference
from tests.api.page.feeding import EAST, WEST, collision, publish, reading, until_speed

THEMES = Path(__file__).parents[3] / "api" / "page" / "themes.css"
LEAST_DIFFERENCE = 14.0  # CIE76; 2.3 is just noticeable
SAME_COLOUR = "([one, other]) => urbanclear.colourOf(one) === urbanclear.colourOf(other)"
COUNT_PIXELS = """([sensor, least]) => {
    const canvas = document.querySelector("#map canvas");
    const colour = urbanclear.colourOf(sensor);
    const [red, green, blue] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let found = 0;
    for (let at = 0; at < data.length; at += 4)
        if (data[at] === red && data[at + 1] === green && data[at + 2] === blue) found += 1;
    return found > least;
}"""


async def test_a_published_reading_changes_the_links_colour_and_number_within_5_seconds(
    live_api: LiveApi, bridge: Publisher, chromium: Browser
) -> None:
    async with visit(chromium, live_api.url) as open_page:
        await publish(bridge, reading(EAST, 70, minutes_ago=1), reading(WEST, 71, minutes_ago=1))
        await until_speed(open_page, EAST, 70)
        await open_page.until(SAME_COLOUR, [EAST, WEST])
        await publish(bridge, reading(EAST, 9))
        await until_speed(open_page, EAST, 9)
        await open_page.until(f"sensors => !({SAME_COLOUR})(sensors)", [EAST, WEST])
        await open_page.until(COUNT_PIXELS, [EAST, 50])
        await open_page.until("() => document.querySelector('#slowest').innerText.includes('9 km/h')")


async def test_both_directions_of_a_road_are_seen_side_by_side(
    live_api: LiveApi, bridge: Publisher, chromium: Browser
) -> None:
    async with visit(chromium, live_api.url) as open_page:
        await publish(bridge, reading(EAST, 9), reading(WEST, 70))
        await until_speed(open_page, EAST, 9)
        await until_speed(open_page, WEST, 70)
        await open_page.until(COUNT_PIXELS, [EAST, 200])
        await open_page.until(COUNT_PIXELS, [WEST, 200])


async def test_a_link_that_fell_silent_turns_grey(live_api: LiveApi, bridge: Publisher, chromium: Browser) -> None:
    async with visit(chromium, live_api.url) as open_page:
        await publish(bridge, reading(WEST, 70, minutes_ago=20))
        await until_speed(open_page, WEST, 70)
        await publish(bridge, reading(EAST, 70))
        grey = "getComputedStyle(document.documentElement).getPropertyValue('--los-none').trim()"
        await open_page.until(f"sensor => urbanclear.colourOf(sensor) === {grey}", WEST)
        await open_page.until("() => document.querySelector('#reporting').textContent === '1'")


async def test_an_area_alone_is_shown_and_said_in_the_address(
    live_api: LiveApi, bridge: Publisher, chromium: Browser
) -> None:
    async with visit(chromium, live_api.url) as open_page:
        await publish(bridge, reading(EAST, 12), reading(WEST, 70), collision("Two cars"))
        await until_speed(open_page, EAST, 12)
        await open_page.page.get_by_label("Area").select_option("Brooklyn")
        await open_page.until("() => urbanclear.links === 1")
        await open_page.page.locator("#incidents li").wait_for(state="detached")
        listed = open_page.page.locator("#slowest li")
        await expect(listed).to_have_text(["A Bridge, westbound 70 km/h 97 %"], use_inner_text=True)
        await open_page.page.reload()
        await open_page.until("() => urbanclear.links === 1")
        await expect(open_page.page.get_by_label("Area")).to_have_value("Brooklyn")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("sight", SIGHTS)
def test_levels_of_service_are_told_apart_by_colour_blind_readers(theme: str, sight: str) -> None:
    light, dark = THEMES.read_text().split("[data-theme=")
    colours = re.findall(r"--los-(\w+): (#[0-9a-f]{6})", {"light": light, "dark": dark}[theme])
    assert len(colours) == 6
    for (one, first), (other, second) in combinations(colours, 2):
        assert difference(first, second, sight) > LEAST_DIFFERENCE, f"{one} and {other} look alike"
