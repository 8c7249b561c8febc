"""Incidents that apps report: through Kafka and ingest to whoever asks."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest

from tests.api.conftest import LiveApi, bearer
from tests.api.live.listening import listener, told
from tests.ingest.running import running_consumer
from tests.waiting import until

CRASH = {"kind": "collision", "severity": "high", "road": "Main Street", "area": "Manhattan", "lanes_blocked": 1}
_PLACED = """
    INSERT INTO incidents (id, time, status, kind, severity, started_at, lat, lon, sensors, placed_at)
    VALUES ('511:1', '2026-03-02T12:00Z', 'reported', 'collision', 'high', '2026-03-02T12:00Z', 40.7, -73.9,
            '{dot:1}', '2026-03-02T12:00:05Z')
"""


@pytest.fixture
async def client(live_api: LiveApi) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        running_consumer(live_api.settings),
        httpx.AsyncClient(base_url=f"{live_api.url}/api/v1", trust_env=False, headers=bearer()) as client,
    ):
        yield client


async def until_stored(client: httpx.AsyncClient, path: str, **expected: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}

    async def stored() -> bool:
        nonlocal found
        found = (await client.get(path)).json()
        return all(found.get(name) == value for name, value in expected.items())

    await until(stored, what=f"{path} with {expected}")
    return found


async def test_an_incident_is_reported_changed_and_resolved(live_api: LiveApi, client: httpx.AsyncClient) -> None:
    async with listener(live_api, "incidents") as socket:
        await told(socket)
        reported = await client.post("/incidents", json=CRASH)
        assert reported.status_code == 202
        place = reported.headers["location"].removeprefix("/api/v1")
        [live] = (await told(socket))["items"]
        assert (live["id"], live["road"]) == (reported.json()["id"], "Main Street")
    stored = await until_stored(client, place, status="reported")
    assert stored["started_at"] == reported.json()["started_at"]
    changed = await client.patch(place, json={"severity": "low", "description": "On the hard shoulder"})
    assert changed.status_code == 202
    stored = await until_stored(client, place, severity="low")
    assert (stored["lanes_blocked"], stored["status"]) == (1, "updated")
    assert (await client.post(f"{place}/resolve")).json()["status"] == "cleared"
    stored = await until_stored(client, place, status="cleared")
    assert datetime.fromisoformat(stored["cleared_at"]) <= datetime.now(UTC)
    updates = (await client.get(f"{place}/updates")).json()["items"]
    assert [update["status"] for update in updates] == ["cleared", "updated", "reported"]
    assert (await client.get("/incidents", params={"active": True})).json()["items"] == []
    assert [row["id"] for row in (await client.get("/incidents")).json()["items"]] == [stored["id"]]


async def test_a_change_leaves_the_sensors_that_were_found_by_the_place(
    live_api: LiveApi, client: httpx.AsyncClient
) -> None:
    async with await psycopg.AsyncConnection.connect(str(live_api.settings.database_url)) as connection:
        await connection.execute(_PLACED)
    changed = await client.patch("/incidents/511:1", json={"severity": "low"})
    assert (changed.status_code, changed.json()["sensors"]) == (202, [])
    stored = await until_stored(client, "/incidents/511:1", severity="low")
    assert (stored["sensors"], stored["placed_at"]) == (["dot:1"], "2026-03-02T12:00:05Z")


async def test_a_change_may_follow_a_report_at_once(client: httpx.AsyncClient) -> None:
    place = (await client.post("/incidents", json=CRASH)).headers["location"].removeprefix("/api/v1")
    assert (await client.post(f"{place}/resolve")).status_code == 202
    await until_stored(client, place, status="cleared")


async def test_a_report_with_an_id_of_its_own_is_taken_once(client: httpx.AsyncClient) -> None:
    report = {**CRASH, "id": "app:17"}
    assert [(await client.post("/incidents", json=report)).status_code for _ in range(2)] == [202, 409]


async def test_what_is_over_or_unknown_cannot_be_changed(client: httpx.AsyncClient) -> None:
    place = (await client.post("/incidents", json=CRASH)).headers["location"].removeprefix("/api/v1")
    await client.post(f"{place}/resolve")
    assert (await client.patch(place, json={"severity": "low"})).status_code == 409
    assert (await client.patch("/incidents/app:none", json={"severity": "low"})).status_code == 404
    assert (await client.post("/incidents/app:none/resolve")).status_code == 404
    assert (await client.get("/incidents/app:none/updates")).status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "picnic"},
        {"severity": None},
        {"lat": 91},
        {"sensors": ["no-source"]},
        {"description": "x" * 1001},
        {"description": "\x00"},
        {"started_at": "2026-03-02T12:00:00"},
        {"started_at": (datetime.now(UTC) + timedelta(days=1)).isoformat()},
        {"colour": "red"},
        {"id": ""},
    ],
)
async def test_what_is_no_incident_is_refused_and_goes_nowhere(
    client: httpx.AsyncClient, wrong: dict[str, Any]
) -> None:
    answer = await client.post("/incidents", json={**CRASH, **wrong})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["detail"]


async def test_a_change_that_changes_nothing_is_refused(client: httpx.AsyncClient) -> None:
    place = (await client.post("/incidents", json=CRASH)).headers["location"].removeprefix("/api/v1")
    answer = await client.patch(place, json={})
    assert answer.status_code == 422
    assert "severity" in answer.json()["detail"]


async def test_road_works_are_work_zones(client: httpx.AsyncClient) -> None:
    await client.post("/incidents", json={**CRASH, "id": "app:crash"})
    await client.post("/incidents", json={**CRASH, "kind": "road_works", "id": "app:works"})
    await until_stored(client, "/incidents/app:works", status="reported")
    assert [row["id"] for row in (await client.get("/work-zones")).json()["items"]] == ["app:works"]
    assert (
        len((await client.get("/incidents", params={"severity": "high", "kind": "collision"})).json()["items"]) == 1
    )
