"""Ways from A to B: clicked on the map or written, drawn, listed, kept in the address."""

import re
from datetime import UTC, datetime, timedelta

from playwright.async_api import Browser, expect

from schema.publisher import Publisher
from tests.api.conftest import LiveApi
from tests.api.page.browser import Visit, visit
from tests.api.page.feeding import BROOKLYN, EAST, MANHATTAN, prediction, publish, reading, until_speed
from tests.schema.city import city_at

START, GOAL = (", ".join(str(degrees) for degrees in reversed(place)) for place in (MANHATTAN, BROOKLYN))
WAY = f"way={START.replace(' ', '')},{GOAL.replace(' ', '')}"


async def write(open_page: Visit, start: str, goal: str) -> None:
    """With the keyboard alone."""
    page = open_page.page
    await page.get_by_role("button", name="Route", exact=True).press("Enter")
    await expect(page.locator("#route-from")).to_be_focused()
    await page.keyboard.type(start)
    await page.keyboard.press("Tab")
    await page.keyboard.type(goal)
    await page.keyboard.press("Enter")


async def test_a_way_that_is_written_is_drawn_listed_and_kept_in_the_address(
    live_api: LiveApi, bridge: Publisher, chromium: Browser
) -> None:
    async with visit(chromium, live_api.url) as open_page:
        page = open_page.page
        await publish(bridge, reading(EAST, 33))
        await until_speed(open_page, EAST, 33)
        await write(open_page, START, GOAL)
        await expect(page.locator("#route-status")).to_contain_text("One way, leaving")
        await expect(page.locator("#ways button[aria-pressed='true']")).to_contain_text("2 min 0 s")
        await expect(page.locator("#ways button")).to_contain_text(re.compile(r"1\.1 km · arrives \d\d:\d\d"))
        await expect(page.locator(".ways path.chosen")).to_have_count(1)
        await expect(page.locator(".way-end")).to_have_text(["A", "B"])
        await expect(page).to_have_url(re.compile(re.escape(WAY)))
        await page.get_by_text("Link by link").click()
        await expect(page.locator("#legs li")).to_have_text(["Bridge, eastbound2 min 0 s · 33 km/h · measured"])
        await open_page.keep("page-route")
        await page.keyboard.press("Escape")
        await expect(page.locator("#route")).to_be_hidden()
        await expect(page.get_by_role("button", name="Route", exact=True)).to_be_focused()
        await expect(page.locator(".ways path")).to_have_count(0)
        await expect(page).not_to_have_url(re.compile("way="))
        assert open_page.errors == []


async def foretell(database_url: str, minutes: int, speed_kmh: float, width: float = 5) -> None:
    """Of the bridge eastwards, for the five minutes that end in so many."""
    now = datetime.now(UTC)
    async with city_at(database_url) as city:
        await city.chunks("predictions", at=now + timedelta(minutes=minutes))
        await city.connection.execute(
            "INSERT INTO predictions SELECT id, %s, %s, %s, %s, %s, 'm' FROM sensors WHERE external_id = %s",
            [now + timedelta(minutes=minutes), now, speed_kmh, speed_kmh - width, speed_kmh + width, EAST],
        )


async def test_an_address_with_a_way_opens_it_and_follows_the_slider(
    live_api: LiveApi, bridge: Publisher, chromium: Browser, database_url: str
) -> None:
    await foretell(database_url, 19, 22)
    async with visit(chromium, f"{live_api.url}/#{WAY}") as open_page:
        page = open_page.page
        await publish(bridge, reading(EAST, 66), prediction(EAST, 15, 22))
        await until_speed(open_page, EAST, 66)
        await expect(page.locator("#ways button")).to_contain_text("arrives")
        await expect(page.locator("#ahead")).to_be_enabled()
        await page.locator("#ahead").press("ArrowRight")
        await expect(page.locator("#ways button")).to_contain_text(re.compile(r"3 min 0 s.*2–4 min"))


async def test_an_interval_of_seconds_is_told_to_the_second(
    live_api: LiveApi, bridge: Publisher, chromium: Browser, database_url: str
) -> None:
    await foretell(database_url, 4, 33, width=1)
    async with visit(chromium, f"{live_api.url}/#{WAY}") as open_page:
        await expect(open_page.page.locator("#ways button")).to_contain_text(
            re.compile(r"2 min 0 s\s*1:5\d–2:0\d · ")
        )


async def test_two_clicks_on_the_map_are_a_way_and_select_no_link(
    live_api: LiveApi, bridge: Publisher, chromium: Browser
) -> None:
    async with visit(chromium, f"{live_api.url}/#map=14/40.7045/-73.9948") as open_page:
        page = open_page.page
        await open_page.until("() => urbanclear.links === 2")
        await page.get_by_role("button", name="Route", exact=True).click()
        box = await page.locator("#map").bounding_box()
        assert box is not None
        middle = box["width"] / 2, box["height"] / 2
        await page.locator("#map").click(position={"x": middle[0], "y": middle[1]})
        await expect(page.locator("#route-status")).to_have_text("Now click where to.")
        await page.locator("#map").click(position={"x": middle[0] + 20, "y": middle[1] + 20})
        await expect(page.locator("#ways button")).to_have_count(1)
        await expect(page.locator("#legs li")).to_contain_text(["Bridge, eastbound"])
        await expect(page.locator("#details")).to_be_hidden()
        await page.get_by_role("button", name="Clear").click()
        await expect(page.locator("#ways button")).to_have_count(0)
        await expect(page.locator(".way-end")).to_have_count(0)


async def test_links_may_be_named_and_what_cannot_be_found_is_told(
    live_api: LiveApi, bridge: Publisher, chromium: Browser
) -> None:
    async with visit(chromium, live_api.url) as open_page:
        page = open_page.page
        await open_page.until("() => urbanclear.links === 2")
        await write(open_page, "bridge eastbound", "nowhere at all")
        await expect(page.locator("#route-status")).to_contain_text("Write latitude, longitude, or words of a link")
        await expect(page.locator("#route-to")).to_be_focused()
        await page.locator("#route-to").fill(GOAL)
        await page.keyboard.press("Enter")
        await expect(page.locator("#legs li")).to_contain_text(["Bridge, eastbound"])
        await page.locator("#route-to").fill("41.5, -73.9")
        await page.keyboard.press("Enter")
        await expect(page.locator("#route-status")).to_contain_text(
            re.compile(r"^B: the place is [\d.]+ km from the nearest link, and may be 2 km from it")
        )
        await expect(page.locator("#ways button")).to_have_count(0)


async def test_a_way_is_brought_near_where_the_address_or_the_reader_asks_for_it(
    live_api: LiveApi, bridge: Publisher, chromium: Browser
) -> None:
    async def zoom(open_page: Visit) -> float:
        return float(re.search(r"map=([\d.]+)/", await open_page.ask("() => location.hash"))[1])  # type: ignore[index]

    async with visit(chromium, f"{live_api.url}/#map=9/40.7/-74&{WAY}") as open_page:
        await expect(open_page.page.locator("#ways button")).to_have_count(1)
        assert await zoom(open_page) == 9
        await open_page.page.get_by_role("button", name="Find ways").click()
        await open_page.until("() => Number(location.hash.match(/map=([\\d.]+)/)[1]) >= 14")
    async with visit(chromium, f"{live_api.url}/#{WAY}") as open_page:
        await expect(open_page.page.locator("#ways button")).to_have_count(1)
        await open_page.until("() => Number(location.hash.match(/map=([\\d.]+)/)?.[1]) >= 14.5")
