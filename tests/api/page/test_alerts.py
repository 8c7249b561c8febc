"""Alerts on the page: listed, shown with their history, acknowledged and silenced by who has a key for it."""

from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from schema.alerting.events import alert_event
from schema.events import Alert
from schema.keys import new_key
from schema.publisher import Publisher
from schema.scopes import Scope
from tests.api.alerting import EMPTY, LABELS, add_alerts, add_notification, alert_row
from tests.api.conftest import LiveApi, add_key
from tests.api.page.browser import visit
from tests.api.page.feeding import EAST, WEST, publish, reading
from tests.waiting import until_query

HERE: dict[str, Any] = {**LABELS, "subject": EAST, "sensor": EAST, "area": "Manhattan"}
GRAVE = alert_row("grave", priority="critical", subject=EAST, labels=HERE, summary="Bridge, eastbound: 12 km/h")
CITY = alert_row("city", rule="silent", priority="low", subject="city", name="City", labels={"rule": "silent"})
WEST_SIDE = {**HERE, "subject": WEST, "sensor": WEST, "area": "Brooklyn"}
PENDING = alert_row("pending", state="pending", subject=WEST, labels=WEST_SIDE, priority="critical", fired_at=None)
OPERATOR = new_key()


def event(row: dict[str, Any], **changed: Any) -> Alert:
    return alert_event({**EMPTY, **row, **changed})


@pytest.fixture
async def alerting(bridge: Publisher, database_url: str) -> Publisher:
    """Three alerts, of which two fire; somebody was told of one."""
    add_key(database_url, OPERATOR, Scope.OPERATE, name="centre")
    add_alerts(database_url, GRAVE, CITY, PENDING)
    add_notification(database_url, "n1", "grave", state="delivered", error=None)
    await publish(bridge, reading(EAST, 12), reading(WEST, 60), *[event(row) for row in (CITY, PENDING, GRAVE)])
    return bridge


async def give_key(page: Page, key: str) -> None:
    dialog = page.get_by_role("dialog", name="This server asks for a key")
    await dialog.get_by_label("Key").fill(key)
    await dialog.get_by_role("button", name="Use this key").click()


async def test_open_alerts_are_listed_most_urgent_first_counted_and_ringed(
    live_api: LiveApi, alerting: Publisher, chromium: Browser
) -> None:
    async with visit(chromium, live_api.url) as open_page:
        page = open_page.page
        rows = page.locator("#alerts li")
        await expect(rows).to_have_count(3)
        assert [await row.get_attribute("data-key") for row in await rows.all()] == ["grave", "city", "pending"]
        await expect(rows.first.locator("b")).to_have_text("Bridge, eastbound: 12 km/h")
        await expect(rows.first.locator("span")).to_have_text("slow")
        await expect(rows.last.locator("span")).to_have_text("slow, Bridge, westbound")
        await expect(page.locator("#alert-count")).to_have_text("2")
        await open_page.until(
            "sensor => urbanclear.alerted.includes(sensor) && urbanclear.alerted.length === 1", EAST
        )
        await page.get_by_label("Area").select_option("Brooklyn")
        await expect(rows).to_have_count(2)
        await expect(page.locator("#alert-count")).to_have_text("1")
        await publish(
            alerting, event(PENDING, state="resolved", revision=2), event(GRAVE, state="resolved", revision=2)
        )
        await expect(rows).to_have_count(1)
        await page.get_by_label("Area").select_option("")
        await expect(rows).to_have_count(1)
        await open_page.until("() => urbanclear.alerted.length === 0")
        assert open_page.errors == []


@pytest.mark.parametrize(("theme", "width"), [("light", 1400), ("dark", 1400), ("light", 390), ("dark", 390)])
async def test_an_alert_is_acknowledged_and_silenced_with_a_key_that_may(
    live_api: LiveApi, alerting: Publisher, database_url: str, chromium: Browser, theme: str, width: int
) -> None:
    height = 900 if width > 1000 else 844
    async with visit(chromium, live_api.url, width=width, height=height, color_scheme=theme) as open_page:
        page = open_page.page
        if width < 1000:
            await page.locator("#sheet", has_text="2 alerts").click()
        await page.locator("#alerts button", has_text="12 km/h").click()  # others may be told before it
        panel = page.get_by_role("region", name="Bridge, eastbound: 12 km/h")
        await expect(panel).to_contain_text("slow")
        await expect(panel.locator("#alert-told")).to_contain_text("on-call")
        await panel.get_by_role("button", name="Acknowledge").click()
        await give_key(page, OPERATOR)
        await expect(panel).to_contain_text("You take care of it.")
        await expect(panel.locator("#alert-facts")).to_contain_text("acknowledged by centre")
        await expect(panel.locator("#alert-history")).to_contain_text("Acknowledged by centre")
        await expect(page.locator("#alerts")).to_contain_text("acknowledged by centre")
        await panel.get_by_role("button", name="Silence 4 h").click()
        await expect(panel).to_contain_text("Nobody is told of it until")
        await expect(panel.locator("#alert-facts")).to_contain_text("silenced")
        await expect(page.locator("#alerts li", has_text="silenced")).to_have_count(1)
        await expect(page.locator("#alert-count")).to_have_text("1")
        silenced = (
            "SELECT definition ->> 'matchers' FROM alert_silences WHERE ends_at > now() + interval '239 minutes'"
        )
        await until_query(database_url, silenced, f'["rule=\\"slow\\"", "subject=\\"{EAST}\\""]')
        await open_page.keep(f"alert-{theme}-{width}")
        await page.keyboard.press("Escape")
        await expect(panel).to_be_hidden()
        if width < 1000:
            await page.locator("#sheet").click()
        await page.get_by_text("Silences 1").click()
        await open_page.keep(f"silences-{theme}-{width}")
        await page.get_by_role("button", name="End the silence").click()
        await expect(page.locator("#silences li")).to_have_count(0)
        await expect(page.locator("#alert-count")).to_have_text("2")
        await until_query(database_url, "SELECT ended_by FROM alert_silences", "centre")
        assert await open_page.ask("() => document.documentElement.scrollWidth <= innerWidth")
        assert open_page.errors == []


async def test_alerts_are_reached_by_keyboard_and_lead_to_their_link(
    live_api: LiveApi, alerting: Publisher, chromium: Browser
) -> None:
    async with visit(chromium, live_api.url) as open_page:
        page = open_page.page
        row = page.locator("#alerts button", has_text="12 km/h")
        await row.focus()
        await page.keyboard.press("Enter")
        await open_page.until("() => document.activeElement.id === 'alert'")
        await page.keyboard.press("Escape")
        await expect(row).to_be_focused()
        await page.keyboard.press("Enter")
        await page.get_by_role("button", name="Show the link").click()
        await page.get_by_role("region", name="Bridge, eastbound", exact=True).wait_for()
        await expect(page.locator("#alert")).to_be_hidden()


async def test_all_alerts_are_shown_by_keyboard_where_there_are_many(
    live_api: LiveApi, alerting: Publisher, chromium: Browser
) -> None:
    many = [event(CITY, id=f"city-{number}", subject=f"city-{number}") for number in range(30)]
    async with visit(chromium, live_api.url) as open_page:
        page = open_page.page
        rows = page.locator("#alerts li")
        await expect(rows).to_have_count(3)
        await expect(page.locator("#alerts-more")).to_be_hidden()
        await publish(alerting, *many)
        await expect(rows).to_have_count(20)
        await expect(page.locator("#alert-rest")).to_have_text("20 of 33")
        await page.get_by_role("button", name="Show all 33").focus()
        await page.keyboard.press("Enter")
        await expect(rows).to_have_count(33)
        await expect(page.locator("#alert-rest")).to_be_empty()
        await expect(page.get_by_role("button", name="Show fewer")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(rows).to_have_count(20)
        assert open_page.errors == []


async def test_rings_are_smaller_where_the_map_is_zoomed_out(
    live_api: LiveApi, alerting: Publisher, chromium: Browser
) -> None:
    async with visit(chromium, live_api.url, width=390, height=844) as open_page:
        for zoom, radius in ((13, 15), (9, 6), (12, 12)):
            await open_page.ask("zoom => { location.hash = `map=${zoom}/40.7045/-73.9948`; }", zoom)
            expression = "([sensor, radius]) => Math.abs(urbanclear.radiusOf(sensor) - radius) < 0.1"
            await open_page.until(expression, [EAST, radius])
        assert open_page.errors == []


async def test_who_may_only_read_is_asked_for_another_key_and_may_go_on_reading(
    live_api: LiveApi, alerting: Publisher, database_url: str, chromium: Browser
) -> None:
    reader = new_key()
    add_key(database_url, reader, Scope.READ, name="wall")
    async with visit(chromium, live_api.url) as open_page:
        page = open_page.page
        await page.locator("#alerts button").first.click()
        await page.get_by_role("button", name="Silence 1 h").click()
        await give_key(page, reader)
        await page.get_by_role("dialog").get_by_text("it needs the scope operate").wait_for()
        await page.get_by_role("button", name="Not now").click()
        await expect(page.locator("#alert-note")).to_contain_text("Nothing was changed")
        assert await open_page.ask("() => sessionStorage.length") == 0
        await until_query(database_url, "SELECT count(*) FROM alert_silences", 0)


async def test_what_others_do_with_an_alert_is_seen_while_it_is_open(
    live_api: LiveApi, alerting: Publisher, chromium: Browser
) -> None:
    async with visit(chromium, live_api.url) as open_page:
        page = open_page.page
        await page.locator("#alerts button", has_text="12 km/h").click()
        taken = {"acknowledged_at": GRAVE["started_at"], "acknowledged_by": "<b>night</b>"}
        await publish(alerting, event(GRAVE, revision=2, **taken))
        await expect(page.locator("#alert-facts")).to_contain_text("acknowledged by <b>night</b>")
        await expect(page.get_by_role("button", name="Take back")).to_be_visible()
        await publish(alerting, event(GRAVE, revision=3, state="resolved", resolved_at=GRAVE["observed_at"]))
        await expect(page.locator("#alert-facts")).to_contain_text("resolved")
        await expect(page.get_by_role("button", name="Silence 1 h")).to_be_hidden()
