"""The lists beside the map: incidents, work zones, alerts, bottlenecks, what is looked for."""

import re
from datetime import UTC, datetime, timedelta

from playwright.async_api import Browser, Page, expect

from schema.events import Sensor
from schema.publisher import Publisher
from tests.api.conftest import LiveApi
from tests.api.page.browser import visit
from tests.api.page.feeding import EAST, WEST, alert, collision, incident, publish, reading, until_speed
from tests.schema.city import Reading, city_at
from tests.waiting import until_query

ODD = "test:odd-name"
HOSTILE_NAME = "<script>window.hacked = true</script><img src=x onerror='window.hacked = true'>"


async def test_a_published_incident_appears_in_the_list_and_is_marked_cleared(
    live_api: LiveApi, bridge: Publisher, chromium: Browser
) -> None:
    async with visit(chromium, live_api.url) as open_page:
        await publish(bridge, collision("Two cars, <b>right lane</b> blocked"))
        row = open_page.page.locator("#incidents li")
        await row.filter(has_text="Two cars, <b>right lane</b> blocked").wait_for()
        await open_page.page.locator(".incident-marker").wait_for()
        await publish(bridge, collision("Lane open again", status="cleared"))
        await row.filter(has_text="cleared").wait_for()
        await open_page.page.locator(".incident-marker").wait_for(state="detached")
        await expect(row).to_have_count(1)


async def test_work_zones_are_told_apart_from_incidents(
    live_api: LiveApi, bridge: Publisher, chromium: Browser
) -> None:
    async with visit(chromium, live_api.url) as open_page:
        page = open_page.page
        await publish(bridge, incident("works", "road_works", "Resurfacing"), collision("Two cars"))
        await page.locator(".work-zone-marker").wait_for()
        await page.locator(".incident-marker").wait_for()
        await page.locator("#work-zone-count", has_text="1").wait_for()
        await page.locator("#active", has_text="1").wait_for()
        await page.get_by_text("Work zones").click()
        await page.locator("#work-zones li", has_text="Resurfacing").wait_for()
        await expect(page.locator("#incidents li", has_text="Resurfacing")).to_have_count(0)


async def test_a_firing_alert_is_listed_and_announced_once_and_leaves_when_resolved(
    live_api: LiveApi, bridge: Publisher, chromium: Browser
) -> None:
    async with visit(chromium, live_api.url) as open_page:
        page = open_page.page
        await page.locator("#no-alerts", has_text="None.").wait_for()
        await publish(bridge, alert("firing"))
        await page.locator("#alerts li", has_text="Jam, Bridge, eastbound").wait_for()
        await page.locator("#announcements", has_text="New alert: Jam").wait_for(state="attached")
        await page.locator("#alerts button").click()
        await page.get_by_role("button", name="Show the link").click()
        await page.locator("#details", has_text="Bridge, eastbound").wait_for()
        await publish(bridge, alert("resolved"))
        await page.locator("#no-alerts").wait_for()


async def test_bottlenecks_of_the_newest_day_are_ranked(
    live_api: LiveApi, database_url: str, chromium: Browser
) -> None:
    noon = (datetime.now(UTC) - timedelta(days=2)).replace(hour=12, minute=0, second=0, microsecond=0)
    async with city_at(database_url) as city:
        sensors = await city.corridor("Main Street", [0, 1, 2], area="Manhattan", free_flow_speed_kmh=100)
        await city.read(
            Reading(sensor, noon + timedelta(minutes=step), speed, 600)
            for sensor, speed in zip(sensors, (20.0, 20.0, 90.0), strict=True)
            for step in range(-60, 61, 5)
        )
        await city.compute(noon.date())
    async with visit(chromium, live_api.url) as open_page:
        page = open_page.page
        await page.get_by_role("tab", name="Slowest").focus()
        await page.keyboard.press("ArrowRight")
        row = page.get_by_role("tabpanel", name="Bottlenecks").get_by_role("button", name="Main Street-1")
        await expect(row).to_have_text(re.compile(r"^\s*1\s.*veh·h", re.DOTALL), use_inner_text=True)
        await expect(page.locator("#bottleneck-day")).to_contain_text(f"{noon.day} {noon:%b}")


async def test_any_link_is_found_by_words_of_its_name(
    live_api: LiveApi, bridge: Publisher, chromium: Browser
) -> None:
    async with visit(chromium, live_api.url) as open_page:
        page = open_page.page
        await publish(bridge, reading(EAST, 40), reading(WEST, 60))
        await until_speed(open_page, WEST, 60)
        await page.get_by_role("searchbox", name="Find a link").fill("west bridge")
        await page.locator("#found-count", has_text="1 link found").wait_for()
        await page.keyboard.press("Tab")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await page.get_by_role("region", name="Bridge, westbound").wait_for()


async def middle_of_what_is_free(page: Page) -> tuple[float, float]:
    """Where a single detector is: the middle of the map above the forecast slider."""
    whole, slider = await page.locator("#map").bounding_box(), await page.locator("#forecast").bounding_box()
    assert whole is not None
    assert slider is not None
    return whole["x"] + whole["width"] / 2, (whole["y"] + slider["y"]) / 2 + 12


async def test_markup_in_a_feeds_text_is_shown_as_text(
    live_api: LiveApi, feed: Publisher, database_url: str, chromium: Browser
) -> None:
    detector = Sensor(
        external_id=ODD,
        name=HOSTILE_NAME,
        kind="detector",
        lat=40.75,
        lon=-73.99,
        free_flow_speed_kmh=60,
    )
    await publish(feed, detector)
    await until_query(database_url, "SELECT count(*) FROM sensors WHERE lat IS NOT NULL", 1)
    async with visit(chromium, live_api.url) as open_page:
        page = open_page.page
        await publish(feed, reading(ODD, 30), collision(HOSTILE_NAME))
        await until_speed(open_page, ODD, 30)
        await page.mouse.move(*await middle_of_what_is_free(page))
        await page.locator(".hint", has_text=HOSTILE_NAME).wait_for()
        await page.locator("#slowest button", has_text=HOSTILE_NAME).click()
        await page.locator("#details h2", has_text=HOSTILE_NAME).wait_for()
        await page.locator("#incidents li", has_text=HOSTILE_NAME).wait_for()
        assert await open_page.ask("() => window.hacked === undefined")
