"""Rules, contacts and the policy as they are written over the API, version by version."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.api.conftest import bearer, running_api, settings_with_key
from tests.api.resources.conftest import NO_KAFKA
from tests.waiting import fetch_one, until_query

SLOW: dict[str, Any] = {
    "name": "slow",
    "title": "{{ name }} is slow",
    "when": {"kind": "threshold", "measure": "speed_kmh", "below": 20, "clear_above": 30},
    "for": "5m",
    "priority": "high",
}
ON_CALL: dict[str, Any] = {"name": "on-call", "channels": [{"kind": "email", "to": "on-call@traffic.example"}]}
POLICY: dict[str, Any] = {"routes": [{"name": "everybody", "contacts": ["on-call"]}]}


@pytest.fixture
async def client(database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        running_api(settings_with_key(database_url, NO_KAFKA), bridged=False) as live,
        httpx.AsyncClient(base_url=f"{live.url}/api/v1", trust_env=False, headers=bearer()) as client,
    ):
        yield client


async def test_a_rule_is_made_changed_brought_back_and_deleted(client: httpx.AsyncClient, database_url: str) -> None:
    made = await client.put("/alert-rules/slow", json=SLOW)
    assert (made.status_code, made.headers["ETag"], made.json()["version"]) == (201, '"1"', 1)
    again = await client.put("/alert-rules/slow", json={**SLOW, "for": "300s"})
    assert (again.status_code, again.json()["version"]) == (200, 1)
    changed = await client.put("/alert-rules/slow", json={**SLOW, "enabled": False})
    assert (changed.status_code, changed.json()["version"], changed.json()["enabled"]) == (200, 2, False)
    versions = (await client.get("/alert-rules/slow/versions")).json()["items"]
    assert [row["version"] for row in versions] == [2, 1]
    back = await client.put("/alert-rules/slow", json=versions[1]["definition"])
    assert (back.json()["version"], back.json()["definition"]) == (3, SLOW)
    rule = await client.get("/alert-rules/slow")
    assert rule.json() == {**back.json(), "origin": "api", "changed_by": "tests"}
    known = {"If-None-Match": rule.headers["ETag"]}
    assert (await client.get("/alert-rules/slow", headers=known)).status_code == 304
    assert (await client.delete("/alert-rules/slow")).status_code == 204
    assert (await client.delete("/alert-rules/slow")).status_code == 404
    assert (await client.get("/alert-rules/slow")).status_code == 404
    assert (await client.get("/alert-rules")).json()["items"] == []
    assert len((await client.get("/alert-rules/slow/versions")).json()["items"]) == 4
    assert (await client.get("/alert-rules/fast/versions")).status_code == 404
    assert (await client.put("/alert-rules/slow", json=SLOW)).headers["ETag"] == '"5"'
    audited = "SELECT count(*) FROM audit_log WHERE subject = 'slow' AND action = 'put_alert_rule' AND status < 300"
    await until_query(database_url, audited, 5)


async def test_nobody_overwrites_what_another_has_written_meanwhile(client: httpx.AsyncClient) -> None:
    first = {"If-None-Match": "*"}
    assert (await client.put("/alert-rules/slow", json=SLOW, headers=first)).status_code == 201
    answer = await client.put("/alert-rules/slow", json=SLOW, headers=first)
    assert (answer.status_code, "already" in answer.json()["detail"]) == (412, True)
    bodies = [{**SLOW, "priority": priority} for priority in ("low", "medium", "critical")]
    known = {"If-Match": '"1"'}
    answers = await asyncio.gather(*(client.put("/alert-rules/slow", json=body, headers=known) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412]
    assert (await client.delete("/alert-rules/slow", headers=known)).status_code == 412
    assert (await client.delete("/alert-rules/slow", headers={"If-Match": '"2"'})).status_code == 204
    answer = await client.put("/alert-rules/slow", json=SLOW, headers={"If-Match": '"3"'})
    assert (answer.status_code, "any more" in answer.json()["detail"]) == (412, True)


async def test_everything_that_is_wrong_with_a_rule_is_told(client: httpx.AsyncClient, database_url: str) -> None:
    when = {"kind": "threshold", "measure": "speed", "below": 20, "above": 30}
    answer = await client.put("/alert-rules/slow", json={**SLOW, "when": when, "for": "soon", "colour": "red"})
    assert answer.status_code == 422
    detail = answer.json()["detail"]
    for place in ("when.threshold.measure", "body.for: 'soon' is no duration", "body.colour"):
        assert place in detail
    one_side = await client.put("/alert-rules/slow", json={**SLOW, "when": {**when, "measure": "speed_kmh"}})
    assert "body.when.threshold: say one of `below` and `above`" in one_side.json()["detail"]
    other = await client.put("/alert-rules/fast", json=SLOW)
    assert (other.status_code, "'slow' is not 'fast'" in other.json()["detail"]) == (422, True)
    assert (await client.put("/alert-rules/Slow", json={**SLOW, "name": "Slow"})).status_code == 422
    assert await fetch_one(database_url, "SELECT count(*) FROM alert_definitions") == 0


async def test_rules_are_listed_by_what_they_are(client: httpx.AsyncClient) -> None:
    await client.put("/alert-rules/slow", json=SLOW)
    query = {"kind": "sql", "query": "SELECT 'x' AS subject, 1 AS value"}
    odd = {**SLOW, "name": "odd", "when": query, "enabled": False, "priority": "low"}
    assert (await client.put("/alert-rules/odd", json=odd)).status_code == 201
    items = (await client.get("/alert-rules")).json()["items"]
    assert [(row["name"], row["kind"], row["enabled"], row["priority"]) for row in items] == [
        ("odd", "sql", False, "low"),
        ("slow", "threshold", True, "high"),
    ]
    for wanted, found in (({"enabled": True}, "slow"), ({"kind": "sql"}, "odd")):
        rows = (await client.get("/alert-rules", params=wanted)).json()["items"]
        assert [row["name"] for row in rows] == [found]


async def test_contacts_that_routes_name_have_to_exist_and_to_stay(client: httpx.AsyncClient) -> None:
    assert (await client.get("/alert-policy")).status_code == 404
    escalating = {**POLICY["routes"][0], "escalate": [{"after": "10m", "contacts": ["chief"]}]}
    answer = await client.put("/alert-policy", json={"routes": [escalating]})
    assert answer.status_code == 422
    assert "route everybody names on-call, route everybody names chief; there are none" in answer.json()["detail"]
    assert (await client.put("/alert-contacts/on-call", json=ON_CALL)).status_code == 201
    made = await client.put("/alert-policy", json=POLICY, headers={"If-None-Match": "*"})
    assert (made.status_code, made.headers["ETag"]) == (201, '"1"')
    policy = await client.get("/alert-policy")
    assert (policy.json()["definition"], policy.headers["ETag"]) == (POLICY, '"1"')
    refused = await client.delete("/alert-contacts/on-call")
    assert (refused.status_code, "named by everybody" in refused.json()["detail"]) == (409, True)
    assert (await client.put("/alert-policy", json={}, headers={"If-Match": '"1"'})).status_code == 200
    assert (await client.delete("/alert-contacts/on-call")).status_code == 204
    assert (await client.get("/alert-contacts")).json()["items"] == []


async def test_a_contact_is_kept_without_secrets(client: httpx.AsyncClient) -> None:
    hook = {"kind": "webhook", "to_secret": "URBANCLEAR_SECRET_HOOK"}
    await client.put("/alert-contacts/signs", json={"name": "signs", "channels": [hook]})
    assert (await client.get("/alert-contacts/signs")).json()["definition"]["channels"] == [hook]
    for wrong in ({"kind": "webhook", "to_secret": "PATH"}, {"kind": "webhook"}, {"kind": "pigeon", "to": "x"}):
        answer = await client.put("/alert-contacts/signs", json={"name": "signs", "channels": [wrong]})
        assert answer.status_code == 422


@pytest.mark.parametrize(
    ("kind", "to", "told"),
    [
        ("webhook", "not a url", "the URL is none of https://host/…"),
        ("email", "not-an-address", "'not-an-address' is no e-mail address"),
        ("sms", "twilioo://x", "no address of sms: it begins with one of"),
    ],
)
async def test_a_contact_that_can_never_be_reached_is_refused(
    client: httpx.AsyncClient, kind: str, to: str, told: str
) -> None:
    answer = await client.put("/alert-contacts/a", json={"name": "a", "channels": [{"kind": kind, "to": to}]})
    assert answer.status_code == 422
    assert f"body.channels.0.to: {told}" in answer.json()["detail"]
    assert (await client.get("/alert-contacts")).json()["items"] == []


async def test_a_matcher_with_an_unclosed_quote_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.put("/alert-policy", json={"routes": [{"name": "all", "match": ['rule="jam']}]})
    assert answer.status_code == 422
    assert "body.routes.0.match.0: 'rule=\"jam' has one quote" in answer.json()["detail"]


async def test_a_contact_can_be_deleted_under_a_policy_that_was_kept_with_an_unclosed_quote(
    client: httpx.AsyncClient, database_url: str
) -> None:
    await client.put("/alert-contacts/on-call", json=ON_CALL)
    kept = {"routes": [{"name": "all", "match": ['rule="jam']}]}
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO alert_definitions (kind, name, version, definition, origin, changed_by) "
            "VALUES ('policy', 'policy', 1, %s, 'api', 'ann')",
            [Jsonb(kept)],
        )
    assert (await client.delete("/alert-contacts/on-call")).status_code == 204
