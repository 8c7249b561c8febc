"""Silences: made, previewed, bounded and ended over the API."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from schema.alerting.routing import SilenceRequest
from tests.api.alerting import LABELS, NOW, add_alerts, alert_row, minutes
from tests.api.conftest import bearer, running_api, settings_with_key
from tests.api.resources.conftest import NO_KAFKA
from tests.waiting import fetch_one

HERE = ['area="Staten Island"', 'rule=~"sl.*"']


@pytest.fixture
async def client(database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        running_api(settings_with_key(database_url, NO_KAFKA), bridged=False) as live,
        httpx.AsyncClient(base_url=f"{live.url}/api/v1", trust_env=False, headers=bearer()) as client,
    ):
        yield client


async def test_a_silence_says_what_it_fits_and_stays_in_the_list_once_ended(
    client: httpx.AsyncClient, database_url: str
) -> None:
    add_alerts(
        database_url,
        alert_row("low", priority="low"),
        alert_row("grave", priority="critical"),
        alert_row("elsewhere", labels={**LABELS, "area": "Queens"}),
        alert_row("pending", state="pending"),
    )
    preview = (await client.post("/silences/preview", json={"matchers": HERE})).json()
    assert (preview["fitting"], [alert["id"] for alert in preview["alerts"]]) == (2, ["grave", "low"])
    assert (await client.get("/silences")).json()["items"] == []
    wanted = {"matchers": HERE, "duration": "4h", "comment": "Marathon"}
    made = await client.post("/silences", json=wanted)
    silence = made.json()
    assert (made.status_code, silence["fitting"], silence["state"]) == (201, 2, "lasting")
    assert silence["definition"] == {"matchers": HERE, "comment": "Marathon"}
    begin, end = (datetime.fromisoformat(silence[name]) for name in ("starts_at", "ends_at"))
    assert end - begin == timedelta(hours=4)
    path = made.headers["location"].removeprefix("/api/v1")
    assert (await client.delete(path)).status_code == 204
    ended = (await client.get(path)).json()
    assert (ended["state"], ended["ended_by"]) == ("over", "tests")
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).json() == ended
    assert (await client.get("/silences", params={"state": "lasting"})).json()["items"] == []
    assert [row["id"] for row in (await client.get("/silences")).json()["items"]] == [silence["id"]]
    assert (await client.delete("/silences/4711")).status_code == 404


async def test_a_window_that_comes_back_may_last_a_year(client: httpx.AsyncClient, database_url: str) -> None:
    nights = {"from": "22:00:00", "until": "05:00:00", "time_zone": "Europe/Berlin"}
    wanted = {"matchers": HERE, "starts_at": (NOW + minutes(600)).isoformat(), "duration": "300d", "hours": nights}
    made = await client.post("/silences", json=wanted)
    assert (made.status_code, made.json()["state"]) == (201, "to_come")
    definition: Any = await fetch_one(database_url, "SELECT definition FROM alert_silences")
    kept = SilenceRequest(**definition, starts_at=NOW, ends_at=NOW + timedelta(days=9))
    assert kept.hours is not None
    assert (kept.hours.time_zone, kept.matchers) == ("Europe/Berlin", tuple(HERE))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"duration": "8d"}, "7d at most"),
        ({"duration": "400d", "hours": {"from": "22:00", "until": "05:00", "time_zone": "UTC"}}, "366d at most"),
        ({}, "say one of `ends_at` and `duration`"),
        ({"duration": "1h", "ends_at": (NOW + minutes(1)).isoformat()}, "say one of"),
        ({"ends_at": (NOW - minutes(1)).isoformat()}, "after `starts_at`"),
        ({"ends_at": (NOW - minutes(1)).isoformat(), "starts_at": (NOW - minutes(9)).isoformat()}, "over already"),
        ({"duration": "1h", "matchers": []}, "matchers"),
        ({"duration": "1h", "matchers": ["area"]}, "is no matcher"),
        ({"duration": "1h", "matchers": ['area=~"("']}, "no regular expression"),
        ({"duration": "3650d", "starts_at": "9999-01-01T00:00:00Z"}, "beyond the calendar"),
    ],
)
async def test_what_is_no_silence_is_refused(client: httpx.AsyncClient, wrong: dict[str, Any], told: str) -> None:
    answer = await client.post("/silences", json={"matchers": HERE, **wrong})
    assert (answer.status_code, told in answer.json()["detail"]) == (422, True), answer.text
