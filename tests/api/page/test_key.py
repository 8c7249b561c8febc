"""Where the API needs a key, the page asks for it, uses it for all it asks, and forgets it with the tab."""

from collections.abc import AsyncIterator

import psycopg
import pytest
from playwright.async_api import Browser
from schema.keys import creating, new_key
from schema.scopes import Scope
from sqlalchemy import create_engine

from schema.database import sqlalchemy_url
from tests.api.conftest import LiveApi, running_api
from tests.api.page.browser import opened
from tests.waiting import until
from urbanclear.settings import Settings


@pytest.fixture
async def closed_api(kafka_bootstrap: str, database_url: str) -> AsyncIterator[LiveApi]:
    """An API that answers nobody without a key; it knows one sensor."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO sensors (external_id, name, area, lat, lon) VALUES ('t:1', 'Main Street', 'Queens', 40.7, -73.8)"
        )
    settings = {"database_url": database_url, "kafka_bootstrap": kafka_bootstrap, "open_reads": False}
    async with running_api(Settings.model_validate(settings)) as api:
        yield api


def make_key(database_url: str) -> str:
    """A key that may read."""
    key = new_key()
    engine = create_engine(sqlalchemy_url(database_url))
    with engine.begin() as connection:
        connection.execute(creating("wall", key, [Scope.READ], None))
    engine.dispose()
    return key


async def test_a_key_is_asked_for_checked_and_used_for_rest_and_websocket(
    closed_api: LiveApi, database_url: str, chromium: Browser
) -> None:
    key = make_key(database_url)
    async with opened(chromium, closed_api.url) as open_page:
        page = open_page.page
        dialog = page.get_by_role("dialog", name="This server asks for a key")
        await dialog.wait_for(timeout=5000)
        await dialog.get_by_label("Key").fill("uc_wrong")
        await page.keyboard.press("Enter")
        await dialog.get_by_text("The key was not accepted").wait_for(timeout=5000)
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
        await dialog.wait_for(timeout=5000)
        await page.keyboard.press("Escape")
        await open_page.until_state("locked")

        async def is_closed() -> bool:
            return not await dialog.is_visible()

        await until(is_closed, what="the closed form")
        await page.get_by_role("button", name="Enter key").click()
        await dialog.wait_for(timeout=5000)
