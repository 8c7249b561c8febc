"""Whether people were told, and once more where they were not."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.api.alerting import NOW, add_alerts, add_notification, alert_row, minutes
from tests.api.conftest import bearer, running_api, settings_with_key
from tests.api.resources.conftest import NO_KAFKA
from tests.waiting import fetch_one


@pytest.fixture
async def client(database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    add_alerts(database_url, alert_row())
    email: dict[str, Any] = {"kind": "email", "destination": "a@traffic.example", "contact": "chief"}
    add_notification(database_url, "hook", "a1", created_at=NOW - minutes(2))
    add_notification(database_url, "mail", "a2", **email, created_at=NOW - minutes(1))
    add_notification(database_url, "sent", "a1", state="delivered", created_at=NOW)
    async with (
        running_api(settings_with_key(database_url, NO_KAFKA), bridged=False) as live,
        httpx.AsyncClient(base_url=f"{live.url}/api/v1", trust_env=False, headers=bearer()) as client,
    ):
        yield client


async def test_notifications_are_listed_newest_first_and_without_their_channel(client: httpx.AsyncClient) -> None:
    async def found(**wanted: str) -> list[str]:
        return [row["id"] for row in (await client.get("/notifications", params=wanted)).json()["items"]]

    assert await found() == ["sent", "mail", "hook"]
    assert await found(state="given_up") == ["mail", "hook"]
    assert await found(channel="email") == ["mail"]
    assert await found(contact="on-call") == ["sent", "hook"]
    assert await found(alert="a1", state="given_up") == ["hook"]
    assert "to_secret" not in (await client.get("/notifications")).text


async def test_what_was_given_up_is_tried_again(client: httpx.AsyncClient, database_url: str) -> None:
    answer = await client.post("/notifications/hook/retry")
    assert (answer.status_code, answer.json()["state"]) == (200, "waiting")
    due = "SELECT next_at <= now() AND finished_at IS NULL AND attempts = 1 FROM notifications WHERE id = 'hook'"
    assert await fetch_one(database_url, due) is True
    assert (await client.post("/notifications/hook/retry")).status_code == 200
    refused = await client.post("/notifications/sent/retry")
    assert (refused.status_code, "is delivered" in refused.json()["detail"]) == (409, True)
    assert (await client.post("/notifications/none/retry")).status_code == 404
    assert (await client.post("/notifications/retry", params={"contact": "on-call"})).json() == {"retried": 0}
    assert (await client.post("/notifications/retry")).json() == {"retried": 1}
