"""The forecast slider: colours and numbers of a horizon, from predictions published to Kafka."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Browser, expect

from schema.measures.forecasts import score_forecasts
from schema.publisher import Publisher
from tests.api.conftest import LiveApi
from tests.api.page.browser import Visit, visit
from tests.api.page.feeding import EAST, MODEL, WEST, prediction, publish, reading, until_speed
from tests.schema.city import city_at, every_5_minutes
from urbanclear.settings import Settings

COLOUR_OF = "level => getComputedStyle(document.documentElement).getPropertyValue(`--los-${level}`).trim()"


async def until_text(open_page: Visit, text: str) -> None:
    await open_page.page.locator("#horizon-text", has_text=text).wait_for()


async def until_level(open_page: Visit, sensor: str, level: str) -> None:
    colour = await open_page.ask(COLOUR_OF, level)
    await open_page.until("([sensor, colour]) => urbanclear.colourOf(sensor) === colour", [sensor, colour])


async def test_without_a_forecast_the_slider_is_off_and_says_why(
    live_api: LiveApi, bridge: Publisher, chromium: Browser
) -> None:
    async with visit(chromium, live_api.url) as open_page:
        slider = open_page.page.get_by_role("slider", name="Time shown")
        await until_text(open_page, "No forecast yet: nothing has been predicted.")
        await expect(open_page.page.get_by_text("How good forecasts were")).to_be_hidden()
        await expect(slider).to_be_disabled()
        await publish(bridge, reading(EAST, 50), prediction(EAST, 15, 40, minutes_ago=25))
        await until_text(open_page, "No forecast yet: the newest has passed, it was made at")
        await expect(slider).to_be_disabled()


async def test_the_slider_shows_what_is_expected_made_when_and_by_which_model(
    live_api: LiveApi, bridge: Publisher, chromium: Browser
) -> None:
    async with visit(chromium, live_api.url, timezone_id="UTC") as open_page:
        page = open_page.page
        made = prediction(EAST, 15, 9, minutes_ago=2)
        await publish(bridge, reading(EAST, 70), reading(WEST, 70), made, prediction(EAST, 30, 45, minutes_ago=2))
        await until_speed(open_page, WEST, 70)
        await until_level(open_page, EAST, "ab")
        slider = page.get_by_role("slider", name="Time shown")
        await open_page.until("() => !document.querySelector('#ahead').disabled")
        await slider.focus()
        await page.keyboard.press("ArrowRight")
        await until_level(open_page, EAST, "f")
        await until_level(open_page, WEST, "none")
        when = f"Forecast for {made.target_time:%H:%M} UTC, made {made.made_at:%H:%M}"
        await until_text(open_page, f"{when} by {MODEL}.")
        slowest = ["F Bridge, eastbound 9 km/h 13 %"]
        await expect(page.locator("#slowest li")).to_have_text(slowest, use_inner_text=True)
        await expect(page.locator("#ratio-when")).to_have_text("Expected in 15 min")
        await expect(page.locator("#ratio")).to_have_text("13")
        await open_page.keep("page-forecast")
        await page.keyboard.press("ArrowRight")
        await until_level(open_page, EAST, "c")
        await page.keyboard.press("End")
        await until_text(open_page, "No forecast for 60 min ahead.")
        await page.keyboard.press("Home")
        await until_level(open_page, EAST, "ab")


async def test_a_new_forecast_takes_the_place_of_the_one_shown_while_readings_do_not(
    live_api: LiveApi, bridge: Publisher, chromium: Browser
) -> None:
    await publish(bridge, reading(EAST, 70, minutes_ago=2), prediction(EAST, 30, 9, minutes_ago=1))
    async with visit(chromium, f"{live_api.url}/#in=30&link={EAST}") as open_page:
        await until_level(open_page, EAST, "f")
        await open_page.page.locator("#details", has_text="9 km/h (4–14)").wait_for()
        await publish(bridge, reading(EAST, 60))
        await until_speed(open_page, EAST, 60)
        await until_level(open_page, EAST, "f")
        await publish(bridge, prediction(EAST, 30, 45))
        await until_level(open_page, EAST, "c")


@pytest.mark.parametrize("hash_", ["#in=30&map=13/40.7/-74", "#in=99&map=1e9/x/&link=%00&area="])
async def test_any_address_opens_the_page_and_a_shared_one_shows_the_same(
    live_api: LiveApi, bridge: Publisher, chromium: Browser, hash_: str
) -> None:
    await publish(bridge, reading(EAST, 70), prediction(EAST, 30, 9))
    async with visit(chromium, f"{live_api.url}/{hash_}") as open_page:
        await until_speed(open_page, EAST, 70)
        await until_level(open_page, EAST, "f" if "in=30" in hash_ else "ab")
        shared = ["in=30", "map=13/40.7"]
        kept = [part for part in shared if part in hash_]
        says = "([shared, kept]) => shared.filter((part) => location.hash.includes(part)).join() === kept.join()"
        await open_page.until(says, [shared, kept])
        assert open_page.errors == []


async def test_how_good_forecasts_were_is_told_once_some_have_come_due(
    live_api: LiveApi, bridge: Publisher, database_url: str, chromium: Browser
) -> None:
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
    async with city_at(database_url) as city:
        [sensor] = await city.rows("SELECT id FROM sensors WHERE external_id = %s", EAST)
        speeds = [50.0] * 6 + [60.0] * 12
        await city.read(every_5_minutes(sensor["id"], hour - timedelta(minutes=30), speeds))
        for target in (hour, hour + timedelta(hours=1)):  # which may be on the next day
            await city.chunks("predictions", at=target)
        async with city.connection.cursor() as cursor:
            await cursor.executemany(
                "INSERT INTO predictions VALUES (%s, %s, %s, 56.5, %s, 66, 'boosting-1')",
                [(sensor["id"], hour + timedelta(minutes=ahead), hour, low) for ahead, low in ((15, 55), (60, 62))],
            )
        await score_forecasts(city.connection, Settings())
    async with visit(chromium, live_api.url) as open_page:
        page = open_page.page
        await page.get_by_text("How good forecasts were").click()
        rows = [re.compile(rf"{ahead} min\s*3.5\s*10.0\s*{share} %") for ahead, share in ((15, 100), (60, 0))]
        await expect(page.locator("#skill-rows tr")).to_have_text(rows)
        await expect(page.locator("#skill-model")).to_have_text("boosting-1, last 24 hours")
        await open_page.keep("page-skill")
        assert open_page.errors == []
