"""What the batch jobs found, on the page: the normal band as they wrote it, and what is not as it normally is."""

import json
import re
from datetime import UTC, datetime, timedelta

from playwright.async_api import Browser, Route, expect

from schema.publisher import Publisher
from tests.api.conftest import LiveApi
from tests.api.page.browser import visit
from tests.api.page.feeding import EAST, WEST, publish, reading, until_speed
from tests.batch import anomaly_of, profile_of, run_of
from tests.schema.city import city_at
from tests.waiting import until_query

DAY_TYPES = {"weekday": 33.0, "saturday": 33.0, "sunday": 55.0}
NORMALS = "() => [...new Set([...document.querySelectorAll('#day-rows tr')].map((row) => row.cells[2].textContent))]"


async def as_holidays(route: Route) -> None:
    """The answer with each of the last days as a public holiday."""
    answer = await route.fetch()
    days = [(datetime.now(UTC) - timedelta(days=number)).date().isoformat() for number in range(-1, 4)]
    await route.fulfill(response=answer, body=json.dumps({**await answer.json(), "holidays": days}))


async def test_the_normal_band_is_as_the_job_wrote_it_and_holidays_are_sundays(
    live_api: LiveApi, bridge: Publisher, database_url: str, chromium: Browser
) -> None:
    await publish(bridge, *[reading(EAST, 31, minutes_ago=number) for number in range(3)])
    await until_query(database_url, "SELECT count(*) FROM latest_readings", 1)
    end = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=2)
    async with city_at(database_url) as city:
        run = await run_of(city, "patterns", end, days=21)
        for day_type, speed_kmh in DAY_TYPES.items():
            await profile_of(city, run, "sensor", EAST, day_type, speed_kmh)
    async with visit(chromium, live_api.url) as open_page:
        await open_page.page.route("**/pattern?*", as_holidays)
        await open_page.page.locator("#slowest button").first.click()
        told = f"normal, of 21 days to {end.day} {end:%b %Y}"
        await open_page.page.locator("#key-normal", has_text=told).wait_for()
        await open_page.page.get_by_text("As a table").click()
        await open_page.until(f"wanted => ({NORMALS})().join() === wanted", "55 (45–65)")
        assert open_page.errors == []


async def test_what_is_not_as_it_normally_is_is_ringed_listed_and_told(
    live_api: LiveApi, bridge: Publisher, database_url: str, chromium: Browser
) -> None:
    await publish(bridge, reading(EAST, 9), reading(WEST, 60))
    await until_query(database_url, "SELECT count(*) FROM latest_readings", 2)
    began = datetime.now(UTC) - timedelta(minutes=25, seconds=40)
    async with city_at(database_url) as city:
        await anomaly_of(city, EAST, began, None)
        await anomaly_of(city, EAST, began - timedelta(days=3), None, kind="level_shift", score=4)
        await anomaly_of(city, WEST, began, began + timedelta(minutes=10))
    async with visit(chromium, live_api.url) as open_page:
        page = open_page.page
        await until_speed(open_page, WEST, 60)
        await open_page.until("sensor => urbanclear.ringed.join() === sensor", EAST)
        await page.get_by_role("tab", name="Unusual").click()
        rows = page.locator("#unusual button")
        told = re.compile("Bridge, eastbound.*25 min ago.*Slower than normal: 9 km/h, normally 40 km/h", re.DOTALL)
        await expect(rows).to_have_text([told], use_inner_text=True)
        await open_page.keep("page-unusual")
        await rows.click()
        since = "Slower than normal since 25 min: 9 km/h, normally 40 km/h."
        await expect(page.locator("#details-unusual")).to_contain_text(since)
        await page.get_by_role("combobox", name="Area").select_option("Brooklyn")
        await open_page.until("() => urbanclear.ringed.length === 0")
        await rows.wait_for(state="detached")
        assert open_page.errors == []
