"""Every write leaves a row, whatever became of it; no row, log or answer holds a key."""

import asyncio
import logging
from datetime import UTC, datetime
from typing import Any

import httpx
import psycopg
import pytest
from prometheus_client import REGISTRY

from api.access.audit import AuditLog
from api.access.store import Store
from schema.scopes import Scope
from schema.upkeep import Upkeep
from tests.api.access.conftest import WRONG, Guard, Guarded
from tests.api.conftest import bearer
from tests.api.relay import Relay
from tests.waiting import until, until_query
from urbanclear.settings import Settings

AUDIT = "/api/v1/audit"
ONLY_PLAIN = pytest.mark.parametrize("server_url", ["embedded"], indirect=True)
READING = {"sensor": "t:1", "time": datetime.now(UTC).isoformat(), "speed_kmh": 50}
COUNT = "SELECT count(*) FROM audit_log"


async def rows(guarded: Guarded, **asked: Any) -> list[dict[str, Any]]:
    answer = await guarded.client.get(AUDIT, params=asked, headers=guarded.bearer(Scope.ADMIN))
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


@ONLY_PLAIN
async def test_each_write_is_a_row_that_says_who_did_what_and_how_it_went(
    guarding: Guard, kafka_bootstrap: str
) -> None:
    async with guarding(kafka_bootstrap=kafka_bootstrap) as guarded:
        client, admin, report = guarded.client, guarded.bearer(Scope.ADMIN), guarded.bearer(Scope.REPORT)
        await client.post("/api/v1/readings", json=[READING, {}], headers=report)
        crash = {"id": "t:crash", "kind": "collision", "severity": "high"}
        await client.post("/api/v1/incidents", json=crash, headers=report)
        operate = guarded.bearer(Scope.OPERATE)
        await client.patch("/api/v1/incidents/t:crash", json={"severity": "low"}, headers=operate)
        await client.post("/api/v1/incidents/t:crash/resolve", headers=report)  # 403
        await client.post("/api/v1/incidents", content=b"{", headers=report)  # 422
        made = await client.post("/api/v1/keys", json={"name": "new", "scopes": ["read"]}, headers=admin)
        await client.delete(f"/api/v1/keys/{made.json()['id']}", headers=admin)
        for nobody in ({}, bearer(WRONG)):
            await client.post("/api/v1/readings", json=[READING], headers=nobody)
        await client.get("/api/v1/sensors", headers=report)
        await until_query(guarded.database_url, COUNT, 7)
        found = await rows(guarded)
    told = [(row["name"], row["action"], row["subject"], row["status"], row["detail"]) for row in reversed(found)]
    assert told == [
        ("to report", "push_readings", None, 202, {"accepted": 1, "rejected": 1}),
        ("to report", "report_incident", "t:crash", 202, None),
        ("to operate", "change_incident", "t:crash", 202, {"fields": ["severity"]}),
        ("to report", "resolve_incident", None, 403, None),
        ("to report", "report_incident", None, 422, None),
        ("to admin", "create_key", "new", 201, {"scopes": ["read"]}),
        ("to admin", "revoke_key", "new", 204, None),
    ]
    assert {(row["address"], row["key_id"] is None) for row in found} == {("127.0.0.1", False)}
    assert [row["method"] for row in found] == ["DELETE", "POST", "POST", "POST", "PATCH", "POST", "POST"]
    assert made.json()["key"] not in str(found)


async def test_the_audit_log_is_read_page_by_page_by_span_name_and_action(guarded: Guarded) -> None:
    client, report = guarded.client, guarded.bearer(Scope.REPORT)
    for _ in range(5):
        await client.post("/api/v1/readings", content=b"", headers=report)
    await client.delete("/api/v1/keys/999", headers=guarded.bearer(Scope.ADMIN))
    await until_query(guarded.database_url, COUNT, 6)
    first = await client.get(AUDIT, params={"limit": 4}, headers=guarded.bearer(Scope.ADMIN))
    rest = await rows(guarded, limit=4, cursor=first.json()["next"])
    numbers = [row["id"] for row in first.json()["items"] + rest]
    assert numbers == sorted(numbers, reverse=True)
    assert len(numbers) == 6
    assert [row["status"] for row in await rows(guarded, name="to admin")] == [404]
    assert len(await rows(guarded, action="push_readings")) == 5
    assert await rows(guarded, to="-1h") == []
    assert await guarded.status(AUDIT, guarded.keys[Scope.OPERATE]) == 403


@ONLY_PLAIN
async def test_with_the_database_away_pushes_are_accepted_and_their_rows_come_once_it_is_back(
    guarding: Guard, kafka_bootstrap: str
) -> None:
    async with guarding() as plain:
        url = httpx.URL(plain.database_url)
    relay = Relay(url.host, url.port or 5432)
    await relay.mend()
    through = str(url.copy_with(port=relay.port))
    async with guarding(kafka_bootstrap=kafka_bootstrap, database_url=through) as guarded:
        report = guarded.bearer(Scope.REPORT)
        assert (await guarded.client.post("/api/v1/readings", json=READING, headers=report)).status_code == 202
        await until_query(plain.database_url, COUNT, 1)
        await relay.cut()
        for _ in range(3):
            assert (await guarded.client.post("/api/v1/readings", json=READING, headers=report)).status_code == 202
        await relay.mend()
        await until_query(plain.database_url, COUNT, 4)
        await relay.cut()


@ONLY_PLAIN
async def test_rows_that_cannot_be_kept_are_logged_and_counted(
    database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def lost() -> float:
        return REGISTRY.get_sample_value("urbanclear_api_audit_rows_total", {"outcome": "lost"}) or 0

    before = lost()
    audit = AuditLog(Store("postgresql://a@127.0.0.1:1/a"), most_waiting=2)
    writing = asyncio.create_task(audit.run())
    for number in range(5):
        audit.add({"time": datetime.now(UTC), "name": "n", "subject": f"incident-{number}"})
    assert lost() - before == 3
    writing.cancel()
    await audit.close()
    assert lost() - before == 5
    said = capsys.readouterr().out
    assert [f"incident-{number}" in said for number in range(5)] == [True] * 5
    assert "audit.lost" in said


@ONLY_PLAIN
async def test_a_row_that_the_database_does_not_take_holds_up_no_other(database_url: str) -> None:
    store = Store(database_url)
    audit = AuditLog(store)
    common = {"address": "a", "method": "POST", "path": "/", "action": "x", "status": 202}
    for name in ("before", "no\x00name", "after"):
        audit.add({"time": datetime.now(UTC), "name": name, **common})
    await audit.close()
    await until_query(database_url, "SELECT string_agg(name, ' ' ORDER BY id) FROM audit_log", "before after")
    await store.close()


async def test_rows_are_deleted_once_they_are_older_than_is_set(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO audit_log (time, name, address, method, path, action, status) "
            "SELECT now() - make_interval(days => days), 'n', 'a', 'POST', '/', 'x', 202 "
            "FROM unnest('{0, 399, 401, 900}'::int[]) AS days"
        )
    forever = Settings.model_validate({"database_url": database_url, "audit_retention": "forever"})
    await Upkeep(forever).once()
    await until_query(database_url, COUNT, 4)
    await Upkeep(Settings.model_validate({"database_url": database_url})).once()
    await until_query(database_url, COUNT, 2)


@ONLY_PLAIN
async def test_no_key_is_ever_logged(
    guarding: Guard, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with guarding(rate_failures="2/minute", log_level="DEBUG") as guarded:
        secrets = [WRONG, *guarded.keys.values()]
        for key in (*secrets, *secrets):
            for method, path in (("GET", "/api/v1/sensors"), ("POST", "/api/v1/readings"), ("GET", "/api/v1/keys")):
                await guarded.status(path, key, method)
        made = await guarded.client.post(
            "/api/v1/keys", json={"name": "new", "scopes": ["read"]}, headers=guarded.bearer(Scope.ADMIN)
        )
        secrets.append(made.json()["key"])
        metrics = (await guarded.client.get("/metrics", headers=guarded.bearer(Scope.READ))).text

        async def noted() -> bool:
            return bool(await rows(guarded))

        await until(noted)
    out, err = capfd.readouterr()
    everything = out + err + caplog.text + metrics
    assert [secret for secret in secrets if secret.removeprefix("uc_") in everything] == []
