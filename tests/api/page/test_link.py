"""A link's last 24 hours with its normal band and its forecast, as a chart and as a table."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from playwright.async_api import Browser, expect

from schema.publisher import Publisher
from tests.api.conftest import LiveApi
from tests.api.page.browser import Visit, visit
from tests.api.page.feeding import EAST, prediction, publish, reading
from tests.schema.city import Reading, city_at
from tests.waiting import fetch_one
from urbanclear.settings import Settings

QUARTER = timedelta(minutes=15)
INK = """() => {
    const canvas = document.querySelector("#chart canvas");
    if (!canvas) return false;
    const colour = getComputedStyle(document.documentElement).getPropertyValue("--accent").trim();
    const [red, green, blue] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let found = 0;
    for (let at = 0; at < data.length; at += 4)
        if (data[at] === red && data[at + 1] === green && data[at + 2] === blue) found += 1;
    return found > 100;
}"""


async def store_two_weeks(database_url: str) -> None:
    """Of readings each quarter of an hour that are the same on each day, by the hour of the city's own clock."""
    zone = ZoneInfo(Settings().time_zone)
    before_now = datetime.now(UTC) - timedelta(minutes=10)  # a reading now has no whole bucket of its own yet
    newest = before_now.replace(minute=0, second=0, microsecond=0)
    sensor = await fetch_one(database_url, f"SELECT id FROM sensors WHERE external_id = '{EAST}'")
    assert isinstance(sensor, int)
    async with city_at(database_url) as city:
        times = [newest - number * QUARTER for number in range(14 * 96)]
        await city.read(Reading(sensor, time, float(20 + time.astimezone(zone).hour)) for time in reversed(times))


async def open_table(open_page: Visit) -> list[list[str]]:
    await open_page.until(INK)
    await open_page.page.get_by_text("As a table").click()
    await open_page.page.locator("#day-rows tr").nth(80).wait_for(state="attached")
    rows = await open_page.ask(
        "() => [...document.querySelectorAll('#day-rows tr')].map((row) => [...row.cells].map((c) => c.textContent))"
    )
    return [list(row) for row in rows]


async def test_a_links_day_is_drawn_beside_what_is_normal_by_the_citys_own_clock(
    live_api: LiveApi, bridge: Publisher, database_url: str, chromium: Browser
) -> None:
    await store_two_weeks(database_url)
    async with visit(chromium, f"{live_api.url}/#link={EAST}", timezone_id="Asia/Tokyo") as open_page:
        await open_page.page.locator("#details", has_text="Bridge, eastbound").wait_for()
        rows = await open_table(open_page)
        assert len(rows) >= 90
        assert [row for row in rows if row[2].split(" ")[0] != row[1]] == []
        assert len({row[1] for row in rows}) == 24
        label = re.compile("^Speed over the last 24 hours; between 20 and 43 km/h; normal at this time")
        await expect(open_page.page.locator("#chart")).to_have_attribute("aria-label", label)
        await open_page.keep("page-link")


async def test_the_forecast_stands_behind_the_links_day_with_its_interval(
    live_api: LiveApi, bridge: Publisher, database_url: str, chromium: Browser
) -> None:
    await store_two_weeks(database_url)
    async with visit(chromium, f"{live_api.url}/#link={EAST}") as open_page:
        await publish(bridge, prediction(EAST, 15, 30), prediction(EAST, 60, 36), reading(EAST, 31))
        await open_page.page.locator("#key-expected").wait_for()
        await open_table(open_page)
        newest = open_page.page.locator("#day-rows tr")
        for row, column, text in ((0, 3, "36 (31–41)"), (1, 3, "30 (25–35)"), (2, 3, ""), (2, 1, "31")):
            await expect(newest.nth(row).locator("th, td").nth(column)).to_have_text(text)
