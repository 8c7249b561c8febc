"""Alerts as they are listed, taken on, assigned and commented, through the real application and database."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from schema.events import Alert, decode
from tests.api.alerting import LABELS, NOW, add_alerts, add_notification, alert_row, minutes
from tests.api.conftest import bearer, running_api, settings_with_key
from tests.api.resources.conftest import NO_KAFKA
from tests.waiting import fetch_one, until_query


@pytest.fixture
async def client(database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        running_api(settings_with_key(database_url, NO_KAFKA), bridged=False) as live,
        httpx.AsyncClient(base_url=f"{live.url}/api/v1", trust_env=False, headers=bearer()) as client,
    ):
        yield client


async def ids(client: httpx.AsyncClient, **wanted: Any) -> list[str]:
    answer = await client.get("/alerts", params=wanted)
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json()["items"]]


def ago(count: int) -> str:
    """So many minutes before what the rows have as now."""
    return (NOW - minutes(count)).isoformat()


async def test_open_alerts_are_listed_newest_first_in_pages(client: httpx.AsyncClient, database_url: str) -> None:
    rows = [alert_row(f"a{number}", started_at=NOW - minutes(number)) for number in (1, 2, 3)]
    add_alerts(database_url, *rows, alert_row("over", state="resolved"), alert_row("wait", state="pending"))
    assert await ids(client) == ["a1", "a2", "a3", "wait"]
    page = (await client.get("/alerts", params={"limit": 2})).json()
    assert [row["id"] for row in page["items"]] == ["a1", "a2"]
    assert await ids(client, limit=2, cursor=page["next"]) == ["a3", "wait"]
    first = await client.get("/alerts")
    again = await client.get("/alerts", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304


async def test_alerts_are_found_by_what_they_are_and_where(client: httpx.AsyncClient, database_url: str) -> None:
    everywhere = {**LABELS, "sensor": ["test:a", "test:b"], "area": ["Queens", "Bronx"], "road": "Main Street"}
    add_alerts(
        database_url,
        alert_row("here", priority="critical"),
        alert_row("wide", rule="crash", labels=everywhere, priority="low", acknowledged_at=NOW),
        alert_row("city", labels={}, priority="medium", started_at=NOW - minutes(100)),
        alert_row("over", state="resolved", resolved_at=NOW - minutes(60), started_at=NOW - minutes(90)),
    )
    assert await ids(client, rule="crash") == ["wide"]
    assert await ids(client, area="staten-island") == ["here"]
    assert await ids(client, area="queens") == ["wide"]
    assert await ids(client, road="main street") == ["wide"]
    assert await ids(client, sensor="test:b") == ["wide"]
    assert await ids(client, sensor="test:bridge") == ["here"]
    assert await ids(client, priority="medium") == ["here", "city"]
    assert await ids(client, acknowledged=True) == ["wide"]
    assert await ids(client, acknowledged=False) == ["here", "city"]
    assert await ids(client, state="resolved") == ["over"]
    assert await ids(client, state=["resolved", "firing"], until=ago(80)) == ["over", "city"]
    assert await ids(client, state="resolved", since=ago(30)) == []
    assert await ids(client, state="resolved", since=ago(61)) == ["over"]
    answer = await client.get("/alerts", params={"since": "yesterday"})
    assert (answer.status_code, "since" in answer.json()["detail"]) == (422, True)


async def test_alerts_that_were_over_before_they_fired_are_in_no_list_and_still_found(
    client: httpx.AsyncClient, database_url: str
) -> None:
    calmed = alert_row("calmed", state="resolved", fired_at=None)
    add_alerts(
        database_url, calmed, alert_row("over", state="resolved"), alert_row("wait", state="pending", fired_at=None)
    )
    assert await ids(client, state="resolved") == ["over"]
    assert await ids(client, state=["pending", "firing", "resolved"]) == ["wait", "over"]
    alert = (await client.get("/alerts/calmed")).json()
    assert (alert["state"], alert["fired_at"]) == ("resolved", None)


async def test_an_alert_is_told_with_where_it_is_its_history_and_who_was_told(
    client: httpx.AsyncClient, database_url: str
) -> None:
    add_alerts(database_url, alert_row())
    add_notification(database_url, "n1", "a1", "other")
    add_notification(database_url, "n2", "other")
    await client.post("/alerts/a1/comments", json={"text": "Crew is on its way"})
    alert = (await client.get("/alerts/a1")).json()
    assert (alert["areas"], alert["roads"], alert["sensors"]) == (["Staten Island"], ["Bridge Road"], ["test:bridge"])
    assert [(event["kind"], event["detail"]) for event in alert["events"]] == [
        ("commented", {"text": "Crew is on its way"})
    ]
    [told] = alert["notifications"]
    assert (told["id"], told["state"], told["alerts"]) == ("n1", "given_up", ["a1", "other"])
    answer = await client.get("/alerts/none")
    assert (answer.status_code, "/api/v1/alerts" in answer.json()["detail"]) == (404, True)


async def test_who_acknowledges_first_takes_the_alert_on_and_kafka_is_to_be_told(
    client: httpx.AsyncClient, database_url: str
) -> None:
    add_alerts(database_url, alert_row())
    answers = await asyncio.gather(*(client.post("/alerts/a1/acknowledge") for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["acknowledged_by"] for answer in answers} == {"tests"}
    assert {answer.json()["revision"] for answer in answers} == {2}
    event = await fetch_one(database_url, "SELECT event::text FROM alert_events WHERE published_at IS NULL")
    told = decode(Alert, str(event).encode())
    assert (told.acknowledged_by, told.revision, told.areas) == ("tests", 2, ["Staten Island"])
    assert await fetch_one(database_url, "SELECT count(*) FROM alert_events WHERE kind = 'acknowledged'") == 1
    answer = await client.delete("/alerts/a1/acknowledge")
    assert (answer.json()["acknowledged_by"], answer.json()["revision"]) == (None, 3)
    assert (await client.delete("/alerts/a1/acknowledge")).json()["revision"] == 3
    kinds = "SELECT string_agg(kind, ' ' ORDER BY id) FROM alert_events"
    assert await fetch_one(database_url, kinds) == "acknowledged unacknowledged"
    audited = "SELECT count(*) FROM audit_log WHERE action = 'acknowledge_alert' AND subject = 'a1' AND status = 200"
    await until_query(database_url, audited, 5)


async def test_an_alert_is_given_to_somebody_and_taken_away(client: httpx.AsyncClient, database_url: str) -> None:
    add_alerts(database_url, alert_row())
    for assignee, revision in (("Night shift", 2), ("Night shift", 2), (None, 3)):
        answer = await client.put("/alerts/a1/assignee", json={"assignee": assignee})
        assert (answer.status_code, answer.json()["assignee"], answer.json()["revision"]) == (200, assignee, revision)
    assert (await client.put("/alerts/a1/assignee", json={"assignee": "two\nlines"})).status_code == 422
    assert (await client.put("/alerts/a1/assignee", json={})).status_code == 422


async def test_an_alert_that_is_over_can_be_commented_and_no_more(
    client: httpx.AsyncClient, database_url: str
) -> None:
    add_alerts(database_url, alert_row(state="resolved"))
    for answer in (
        await client.post("/alerts/a1/acknowledge"),
        await client.delete("/alerts/a1/acknowledge"),
        await client.put("/alerts/a1/assignee", json={"assignee": "x"}),
    ):
        assert (answer.status_code, "is over since" in answer.json()["detail"]) == (409, True)
    answer = await client.post("/alerts/a1/comments", json={"text": "It was the bridge's opening"})
    assert (answer.status_code, answer.json()["actor"]) == (201, "tests")
    assert await fetch_one(database_url, "SELECT count(*) FROM alert_events WHERE event IS NOT NULL") == 0
    assert (await client.post("/alerts/none/comments", json={"text": "?"})).status_code == 404
    assert (await client.post("/alerts/a1/comments", json={"text": ""})).status_code == 422


async def test_alerts_are_told_in_other_forms_too(client: httpx.AsyncClient, database_url: str) -> None:
    add_alerts(database_url, alert_row())
    answer = await client.get("/alerts", headers={"Accept": "text/csv"})
    assert answer.text.splitlines()[1].startswith('"a1","slow",1')
