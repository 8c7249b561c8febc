"""The page as people read it: on a phone, in the dark, by keyboard, by ear; light to load, and asking nobody else."""

from pathlib import Path
from urllib.parse import urlsplit

from playwright.async_api import Browser, expect

from schema.publisher import Publisher
from tests.api.conftest import LiveApi
from tests.api.page.browser import visit
from tests.api.page.feeding import EAST, WEST, alert, collision, prediction, publish, reading, until_speed

STANDS_STILL = """() => {
    const drawn = document.querySelector("#map canvas").toDataURL();
    if (window.drawn !== drawn) Object.assign(window, { drawn, drawnAt: performance.now() });
    return performance.now() - window.drawnAt > 500;
}"""
STAYS_AS_DRAWN = """async () => {
    for (const end = performance.now() + 1000; performance.now() < end; await new Promise(requestAnimationFrame))
        if (document.querySelector("#map canvas").toDataURL() !== window.drawn) return false;
    return true;
}"""
PAGE = Path(__file__).parents[3] / "api" / "page"
MOST_SCRIPT_BYTES = 500_000
FIRST_PAINT_WITHIN_MS = 3_000


async def test_nothing_is_asked_of_another_address_and_the_console_stays_clean(
    live_api: LiveApi, bridge: Publisher, chromium: Browser
) -> None:
    async with visit(chromium, live_api.url) as open_page:
        await publish(bridge, reading(EAST, 40), reading(WEST, 65), collision("Two cars"))
        await until_speed(open_page, EAST, 40)
        await open_page.page.locator("path.water").first.wait_for(state="attached")
        await open_page.page.locator("#slowest li").nth(1).wait_for()
        await open_page.keep("page-desktop")
    assert {urlsplit(address).netloc for address in open_page.requests} == {urlsplit(live_api.url).netloc}
    assert open_page.errors == []


async def test_a_phone_shows_all_of_it_without_scrolling_sideways(
    live_api: LiveApi, bridge: Publisher, chromium: Browser
) -> None:
    beyond = """() => [
        ...[...document.querySelectorAll("header *, #legend *, #details *, aside *")]
            .filter((element) => element.getBoundingClientRect().right > innerWidth + 0.5),
        ...[...document.querySelectorAll("html, body, header, aside, #lists-body, #details")]
            .filter((element) => element.scrollWidth > element.clientWidth),
    ].map((element) => element.outerHTML)"""
    async with visit(chromium, live_api.url, width=360, height=740) as open_page:
        await publish(bridge, reading(EAST, 12), collision("Unbreakable" * 30))
        await until_speed(open_page, EAST, 12)
        await open_page.page.locator("#sheet", has_text="1 active incident").wait_for()
        await open_page.keep("page-phone")
        await open_page.page.locator("#sheet").click()
        await open_page.page.locator("#incidents li").wait_for()
        assert await open_page.ask(beyond) == []
        await open_page.page.locator("#slowest button").first.click()
        await open_page.page.locator("#details").wait_for()
        assert await open_page.ask(beyond) == []


async def test_a_links_details_open_and_close_by_keyboard(
    live_api: LiveApi, bridge: Publisher, chromium: Browser
) -> None:
    async with visit(chromium, live_api.url) as open_page:
        await publish(bridge, reading(EAST, 20), collision("Two cars"))
        await until_speed(open_page, EAST, 20)
        await open_page.page.locator("#slowest button").first.focus()
        await open_page.page.keyboard.press("Enter")
        await open_page.page.locator("#details", has_text="20 km/h").wait_for()
        await open_page.page.keyboard.press("Escape")
        await open_page.page.locator("#details").wait_for(state="hidden")


async def test_dark_follows_the_system_and_a_choice_is_remembered(
    live_api: LiveApi, bridge: Publisher, chromium: Browser
) -> None:
    theme = "() => document.documentElement.dataset.theme"
    async with visit(chromium, live_api.url, color_scheme="dark") as open_page:
        page = open_page.page
        await publish(bridge, reading(EAST, 70))
        await until_speed(open_page, EAST, 70)
        assert await open_page.ask(theme) == "dark"
        dark = await open_page.ask("sensor => urbanclear.colourOf(sensor)", EAST)
        await open_page.keep("page-dark")
        await page.get_by_role("button", name="Dark colours", pressed=True).click()
        assert await open_page.ask(theme) == "light"
        await open_page.until("([sensor, dark]) => urbanclear.colourOf(sensor) !== dark", [EAST, dark])
        await page.reload()
        await expect(page.locator("html")).to_have_attribute("data-theme", "light")
        await page.get_by_role("button", name="Dark colours", pressed=False).click()
        await page.emulate_media(color_scheme="light")
        await expect(page.locator("html")).to_have_attribute("data-theme", "light")


async def test_every_control_is_reached_by_keyboard_in_order_and_has_a_name(
    live_api: LiveApi, bridge: Publisher, chromium: Browser
) -> None:
    name = """() => {
        const { activeElement: on } = document;
        if (on === document.body) return "";
        return on.getAttribute("aria-label") || on.labels?.[0]?.textContent || on.innerText;
    }"""
    async with visit(chromium, live_api.url) as open_page:
        page = open_page.page
        await publish(bridge, reading(EAST, 20), collision("Two cars"), alert("firing"), prediction(EAST, 15, 9))
        for place in ("#alerts li", "#incidents li", "#slowest li", ".incident-marker"):
            await page.locator(place).first.wait_for()
        await open_page.until("() => !document.querySelector('#ahead').disabled")
        reached = []
        for _ in range(30):
            await page.keyboard.press("Tab")
            reached.append((await open_page.ask(name)).split("\n")[0])
            if reached[-1] == "F" or reached[-1] == "":
                break
        wanted = [
            *("Skip to alerts, incidents and links", "Skip to the forecast slider", "Dark colours"),
            *("Map of traffic", "Collision, Bridge", "Zoom in", "Zoom out", "Time shown", "Find a link", "Area"),
            *("Speed below 20 km/h", "Collision, Bridge", "Work zones", "Slowest now", "F"),
        ]
        found = iter(reached)
        assert [name for name in wanted if not any(each.startswith(name) for each in found)] == [], reached


async def test_a_reader_by_ear_is_told_what_each_part_is(
    live_api: LiveApi, bridge: Publisher, chromium: Browser
) -> None:
    async with visit(chromium, live_api.url) as open_page:
        await publish(bridge, reading(EAST, 20), collision("Two cars"))
        await open_page.page.locator("#slowest li").first.wait_for()
        await open_page.page.locator("#incidents li").first.wait_for()
        heard = await open_page.page.locator("body").aria_snapshot()
    for part in (
        "- banner:",
        "- main:",
        '- region "Map of traffic; every link can also be found by its name beside it"',
        '- region "Forecast":',
        '- slider "Time shown" [disabled]',
        '- region "Level of service, and how many links have it":',
        '- complementary "Alerts, incidents and links":',
        "- search:",
        '- searchbox "Find a link"',
        '- combobox "Area":',
        '- heading "Alerts" [level=2]',
        '- list "Incidents":',
        '- tab "Slowest now" [selected]',
        '- tabpanel "Slowest now":',
        "- status: Live",
    ):
        assert part in heard, f"{part} is not in\n{heard}"


async def test_the_page_paints_at_once_and_its_script_is_light(
    live_api: LiveApi, bridge: Publisher, chromium: Browser
) -> None:
    async with visit(chromium, live_api.url) as open_page:
        await open_page.until("() => performance.getEntriesByName('first-contentful-paint').length > 0")
        painted = await open_page.ask("() => performance.getEntriesByName('first-contentful-paint')[0].startTime")
        assert painted < FIRST_PAINT_WITHIN_MS
    assert sum(file.stat().st_size for file in PAGE.rglob("*.js")) < MOST_SCRIPT_BYTES


async def test_nothing_pulses_for_those_who_want_no_motion(
    live_api: LiveApi, bridge: Publisher, chromium: Browser
) -> None:
    async with visit(chromium, live_api.url, reduced_motion="reduce") as open_page:
        await publish(bridge, reading(EAST, 70, minutes_ago=1), reading(WEST, 70, minutes_ago=1))
        await until_speed(open_page, EAST, 70)
        await until_speed(open_page, WEST, 70)
        await open_page.until(STANDS_STILL)
        await publish(bridge, reading(EAST, 69))
        await until_speed(open_page, EAST, 69)
        assert await open_page.ask(STAYS_AS_DRAWN)
