"""What a person sees on the live page, in real Chromium, fed through real Kafka, ingest and API."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Protocol
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser

from schema.events import Incident, LineString, Reading, Sensor
from schema.publisher import Publisher, open_publisher
from tests.api.browser import Relay, Visit, open_chromium, visit
from tests.ingest.running import running_consumer
from tests.waiting import until_query
from urbanclear.settings import Settings

WITHIN_SECONDS = 5.0
EAST = "test:bridge-east"
WEST = "test:bridge-west"
ODD = "test:odd-name"
HOSTILE_NAME = "<script>window.hacked = true</script><img src=x onerror='window.hacked = true'>"
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


class LiveApi(Protocol):
    url: str
    bootstrap: str


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    async with open_chromium() as browser:
        yield browser


@pytest.fixture
async def feed(live_api: LiveApi, database_url: str) -> AsyncIterator[Publisher]:
    """A source's end of the flow: what is published here is stored by ingest and shown by the API."""
    settings = Settings.model_validate({"database_url": database_url, "kafka_bootstrap": live_api.bootstrap})
    async with running_consumer(settings), open_publisher(live_api.bootstrap) as publisher:
        yield publisher


@pytest.fixture
async def bridge(feed: Publisher, database_url: str) -> Publisher:
    """The feed, with both directions of a bridge known."""
    manhattan, brooklyn = [-73.9990, 40.7080], [-73.9905, 40.7010]
    await publish(feed, link(EAST, "Bridge, eastbound", [manhattan, brooklyn]))
    await publish(feed, link(WEST, "Bridge, westbound", [brooklyn, manhattan]))
    await until_query(database_url, "SELECT count(*) FROM sensors WHERE geometry IS NOT NULL", 2)
    return feed


def link(sensor: str, name: str, places: list[list[float]]) -> Sensor:
    return Sensor(
        external_id=sensor,
        name=name,
        area="Manhattan",
        geometry=LineString(coordinates=places),
        length_m=1100,
        free_flow_speed_kmh=72,
        lanes=3,
    )


def reading(sensor: str, speed_kmh: float, *, minutes_ago: float = 0) -> Reading:
    return Reading(sensor=sensor, time=datetime.now(UTC) - timedelta(minutes=minutes_ago), speed_kmh=speed_kmh)


def collision(description: str, status: str = "reported") -> Incident:
    now = datetime.now(UTC)
    return Incident(
        id="test-collision",
        time=now,
        status="cleared" if status == "cleared" else "reported",
        kind="collision",
        severity="high",
        started_at=now - timedelta(minutes=4),
        description=description,
        sensors=[EAST],
        road="Bridge",
        lat=40.7045,
        lon=-73.9948,
        lanes_blocked=1,
    )


async def publish(feed: Publisher, *events: Sensor | Reading | Incident) -> None:
    for event in events:
        await feed.publish(event)
    await feed.flush()


async def until_speed(open_page: Visit, sensor: str, speed_kmh: float) -> None:
    expression = "([sensor, speed]) => urbanclear.links > 0 && Math.round(urbanclear.speedOf(sensor)) === speed"
    await open_page.until(expression, [sensor, speed_kmh], timeout=WITHIN_SECONDS)


async def test_a_published_reading_changes_the_links_colour_and_number_within_5_seconds(
    live_api: LiveApi, bridge: Publisher, chromium: Browser
) -> None:
    async with visit(chromium, live_api.url) as open_page:
        await publish(bridge, reading(EAST, 70, minutes_ago=1), reading(WEST, 71, minutes_ago=1))
        await until_speed(open_page, EAST, 70)
        free = await open_page.ask("sensor => urbanclear.colourOf(sensor)", EAST)
        await publish(bridge, reading(EAST, 9))
        await until_speed(open_page, EAST, 9)
        assert await open_page.ask("sensor => urbanclear.colourOf(sensor)", EAST) != free
        assert await open_page.ask("sensor => urbanclear.colourOf(sensor)", WEST) == free
        await open_page.until(COUNT_PIXELS, [EAST, 50], timeout=WITHIN_SECONDS)
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


async def test_a_published_incident_appears_in_the_list_and_is_marked_cleared(
    live_api: LiveApi, bridge: Publisher, chromium: Browser
) -> None:
    async with visit(chromium, live_api.url) as open_page:
        await publish(bridge, collision("Two cars, <b>right lane</b> blocked"))
        row = open_page.page.locator("#incidents li")
        await row.filter(has_text="Two cars, <b>right lane</b> blocked").wait_for(timeout=5000)
        await open_page.page.locator(".incident-marker").wait_for(timeout=5000)
        await publish(bridge, collision("Lane open again", status="cleared"))
        await row.filter(has_text="cleared").wait_for(timeout=5000)
        assert await open_page.page.locator(".incident-marker").count() == 0
        assert await row.count() == 1


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
        await page.locator("#map").hover()
        await page.locator(".hint", has_text=HOSTILE_NAME).wait_for(timeout=5000)
        await page.locator("#slowest button", has_text=HOSTILE_NAME).click()
        await page.locator("#details h2", has_text=HOSTILE_NAME).wait_for(timeout=5000)
        await page.locator("#incidents li", has_text=HOSTILE_NAME).wait_for(timeout=5000)
        assert await open_page.ask("() => window.hacked === undefined")


async def test_nothing_is_asked_of_another_address_and_the_console_stays_clean(
    live_api: LiveApi, bridge: Publisher, chromium: Browser
) -> None:
    async with visit(chromium, live_api.url) as open_page:
        await publish(bridge, reading(EAST, 40), reading(WEST, 65), collision("Two cars"))
        await until_speed(open_page, EAST, 40)
        await open_page.page.locator("path.water").first.wait_for(state="attached")
        await open_page.page.locator("#slowest li").nth(1).wait_for(timeout=5000)
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
        await open_page.page.locator("#sheet", has_text="1 active incident").wait_for(timeout=5000)
        await open_page.keep("page-phone")
        await open_page.page.locator("#sheet").click()
        await open_page.page.locator("#incidents li").wait_for(timeout=5000)
        assert await open_page.ask(beyond) == []
        await open_page.page.locator("#slowest button").first.click()
        await open_page.page.locator("#details").wait_for(timeout=5000)
        assert await open_page.ask(beyond) == []


async def test_a_lost_connection_is_said_and_mended(live_api: LiveApi, bridge: Publisher, chromium: Browser) -> None:
    address = urlsplit(live_api.url)
    relay = Relay(address.hostname or "127.0.0.1", address.port or 80)
    await relay.mend()
    async with visit(chromium, f"http://127.0.0.1:{relay.port}/") as open_page:
        banner = open_page.page.locator("#banner", has_text="Connection lost")
        assert not await banner.is_visible()
        await relay.cut()
        await open_page.until_state("stale")
        await banner.wait_for(timeout=5000)
        await publish(bridge, reading(EAST, 33))
        await relay.mend()
        await open_page.until_state("live")
        await until_speed(open_page, EAST, 33)
        await publish(bridge, reading(EAST, 34))
        await until_speed(open_page, EAST, 34)
        assert not await banner.is_visible()
    await relay.cut()


async def test_a_links_details_open_and_close_by_keyboard(
    live_api: LiveApi, bridge: Publisher, chromium: Browser
) -> None:
    async with visit(chromium, live_api.url) as open_page:
        await publish(bridge, reading(EAST, 20), collision("Two cars"))
        await until_speed(open_page, EAST, 20)
        await open_page.page.locator("#slowest button").first.focus()
        await open_page.page.keyboard.press("Enter")
        await open_page.page.locator("#details", has_text="20 km/h").wait_for(timeout=5000)
        await open_page.page.keyboard.press("Escape")
        await open_page.page.locator("#details").wait_for(state="hidden", timeout=5000)
