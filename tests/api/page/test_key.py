"""Where the API needs a key, the page asks for it, uses it for all it asks, and forgets it with the tab."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser

from schema.keys import new_key
from schema.scopes import Scope
from tests.api.conftest import LiveApi, add_key, running_api, settings_with_key
from tests.api.page.browser import opened
from tests.schema.city import city_at
from tests.waiting import until


@pytest.fixture
async def closed_api(kafka_bootstrap: str, database_url: str) -> AsyncIterator[LiveApi]:
    """An API that answers nobody without a key; it knows one sensor."""
    async with city_at(database_url) as city:
        await city.sensor("1", lat=40.7, lon=-73.8)
    async with running_api(settings_with_key(database_url, kafka_bootstrap, open_reads=False)) as api:
        yield api


async def test_a_key_is_asked_for_checked_and_used_for_rest_and_websocket(
    closed_api: LiveApi, database_url: str, chromium: Browser
) -> None:
    key = new_key()
    add_key(database_url, key, Scope.READ, name="wall")
    async with opened(chromium, closed_api.url) as open_page:
        page = open_page.page
        dialog = page.get_by_role("dialog", name="This server asks for a key")
        await dialog.wait_for()
        await dialog.get_by_label("Key").fill("uc_wrong")
        await page.keyboard.press("Enter")
        await dialog.get_by_text("The key was not accepted").wait_for()
        await dialog.get_by_label("Key").fill(key)
        await dialog.get_by_role("button", name="Use this key").click()
        await open_page.until_state("live")
        await open_page.until("() => urbanclear.links === 1")
        assert not await dialog.is_visible()
        assert await open_page.ask("() => localStorage.length") == 0
        await page.reload()
        await open_page.until_state("live")
        await open_page.until("() => urbanclear.links === 1")


async def test_who_has_no_key_yet_is_left_alone_until_they_want_to_give_one(
    closed_api: LiveApi, chromium: Browser
) -> None:
    async with opened(chromium, closed_api.url) as open_page:
        page = open_page.page
        dialog = page.get_by_role("dialog", name="This server asks for a key")
        await dialog.wait_for()
        await page.keyboard.press("Escape")
        await open_page.until_state("locked")

        async def is_closed() -> bool:
            return not await dialog.is_visible()

        await until(is_closed, what="the closed form")
        await page.get_by_role("button", name="Enter key").click()
        await dialog.wait_for()
