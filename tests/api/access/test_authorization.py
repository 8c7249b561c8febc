"""Nobody does what their key does not let them do, and the answer says what would."""

import asyncio
import time

import httpx
import jsonschema
import psycopg
import pytest
from fastapi.routing import iter_route_contexts

from api.access.authorization import _Requires
from api.access.keys import Keys
from api.access.store import Store
from api.app import create_app
from schema.keys import new_key
from schema.scopes import Scope, with_implied
from tests.api.access.conftest import NO_KAFKA, WRONG, Guard, Guarded
from tests.api.conftest import add_key
from tests.api.relay import Relay
from tests.waiting import until, until_query
from urbanclear.settings import Settings

pytestmark = pytest.mark.parametrize("server_url", ["embedded"], indirect=True)

ASSETS = "/docs/assets"
OPEN = {"/health/live", "/health/ready", "/openapi.json", "/docs", "/docs/oauth2-redirect", "/asyncapi.json"}
NOWHERE = "postgresql://a@127.0.0.1:1/a"
PROBLEM = "application/problem+json"
#: What each scope is asked for, and what it may not be: the next one's.
ASKED = {
    Scope.READ: ("GET", "/api/v1/sensors", 200),
    Scope.REPORT: ("POST", "/api/v1/readings", 415),
    Scope.OPERATE: ("POST", "/api/v1/incidents/x/resolve", 404),
    Scope.ADMIN: ("GET", "/api/v1/keys", 200),
}


def test_every_route_says_what_it_needs_and_only_those_named_are_open(server_url: str) -> None:
    app = create_app(Settings.model_validate({"database_url": NOWHERE, "kafka_bootstrap": NO_KAFKA}))
    needed = {
        str(route.path): [
            dependency.dependency.scope
            for dependency in getattr(route, "dependencies", [])
            if isinstance(dependency.dependency, _Requires)
        ]
        for route in iter_route_contexts(app.routes)
        if route.path
    }
    assert {path for path, scopes in needed.items() if not scopes} == OPEN | {ASSETS}
    assert len(needed) > 30


def test_a_scope_implies_those_before_it_and_words_that_are_none_imply_nothing(server_url: str) -> None:
    assert with_implied(["operate"]) == {Scope.READ, Scope.REPORT, Scope.OPERATE}
    assert with_implied(["root", "Admin", ""]) == frozenset()


async def test_each_scope_may_do_what_it_says_and_nothing_beyond(guarded: Guarded) -> None:
    for scope, key in guarded.keys.items():
        for needed, (method, path, allowed) in ASKED.items():
            answer = await guarded.client.request(method, path, headers={"Authorization": f"Bearer {key}"})
            if needed in with_implied([scope]):
                assert answer.status_code == allowed, (scope, path, answer.text)
            else:
                assert (answer.status_code, answer.headers["content-type"]) == (403, PROBLEM)
                assert f'error="insufficient_scope", scope="{needed}"' in answer.headers["www-authenticate"]
                assert f"scope {needed}" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path", "needed"),
    [
        ("POST", "/alerts/x/acknowledge", Scope.OPERATE),
        ("PUT", "/alerts/x/assignee", Scope.OPERATE),
        ("POST", "/silences", Scope.OPERATE),
        ("DELETE", "/silences/1", Scope.OPERATE),
        ("POST", "/alert-rules/dry-run", Scope.OPERATE),
        ("PUT", "/alert-rules/x", Scope.ADMIN),
        ("DELETE", "/alert-contacts/x", Scope.ADMIN),
        ("PUT", "/alert-policy", Scope.ADMIN),
        ("POST", "/notifications/retry", Scope.ADMIN),
    ],
)
async def test_alerts_are_handled_by_operators_and_told_by_administrators(
    guarded: Guarded, method: str, path: str, needed: Scope
) -> None:
    weaker = list(Scope)[list(Scope).index(needed) - 1]
    assert await guarded.status(f"/api/v1{path}", guarded.keys[weaker], method) == 403
    assert await guarded.status(f"/api/v1{path}", guarded.keys[needed], method) in (200, 404, 422)


async def test_without_a_key_or_with_a_wrong_one_nothing_is_told(guarded: Guarded) -> None:
    said: dict[str, str] = {"": "Bearer", f"Bearer {WRONG}": 'Bearer error="invalid_token"'}
    for path in ("/api/v1/sensors", "/api/v1/health", "/metrics", "/api/v1/nothing", "/api/v1/keys"):
        for header, challenge in said.items():
            answer = await guarded.client.get(path, headers={"Authorization": header} if header else {})
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, challenge)
            assert (answer.headers["content-type"], answer.json()["status"]) == (PROBLEM, 401)


async def test_probes_the_page_and_the_documents_need_no_key(guarded: Guarded) -> None:
    for path in sorted(OPEN | {"/", "/app.js"}):
        assert await guarded.status(path, None) == 200, path


async def test_where_reads_are_open_writes_still_need_a_key_and_a_wrong_key_is_refused(guarding: Guard) -> None:
    async with guarding(open_reads=True) as opened:
        assert await opened.status("/api/v1/sensors", None) == 200
        assert await opened.status("/metrics", None) == 200
        assert await opened.status("/api/v1/sensors", WRONG) == 401
        for method, path, _ in (ASKED[scope] for scope in (Scope.REPORT, Scope.OPERATE, Scope.ADMIN)):
            assert await opened.status(path, None, method) == 401


async def test_a_body_is_not_read_for_nobody(guarded: Guarded) -> None:
    answer = await guarded.client.post("/api/v1/incidents", content=b"{no json")
    assert answer.status_code == 401


HOSTILE = (
    b"",
    b"Bearer",
    b"Basic dTpw",
    WRONG.encode(),
    b"Bearer uc_" + b"x" * 100_000,
    b"Bearer uc_" + b"x" * 9_000,
    "Bearer uc_ключ".encode(),
    b"Bearer uc_\xff\xfe",
    b"Bearer uc_\x00",
    b"Bearer uc_a uc_b",
    b"Bearer eyJhbGciOiJub25lIn0.e30.",
)


async def test_no_authorization_header_does_any_harm(guarded: Guarded) -> None:
    """Sent as they are, since HTTP clients refuse to."""
    for header in HOSTILE:
        reader, writer = await asyncio.open_connection(guarded.client.base_url.host, guarded.client.base_url.port)
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nAuthorization: " + header + b"\r\n\r\n")
        status = int((await reader.readline()).split()[1])
        writer.close()
        assert status in (400, 401, 431), header[:40]
    assert await guarded.status("/api/v1/sensors", guarded.keys[Scope.READ]) == 200


async def test_many_wrong_keys_leave_nothing_in_memory_and_ask_the_database_a_few_times_only(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = 0
    store = Store(database_url)
    rows = store.rows

    async def counted(statement: object) -> object:
        nonlocal reads
        reads += 1
        return await rows(statement)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "rows", counted)
    keys = Keys(store, refresh_s=60)
    began = time.monotonic()
    found = await asyncio.gather(*(keys.find(new_key()) for _ in range(5_000)))
    assert set(found) == {None}
    assert reads <= 3 + 5 * (time.monotonic() - began)
    assert keys.known(WRONG) is None
    assert len(keys._keys) == 0
    await store.close()


async def test_a_new_key_works_at_once_and_an_expired_one_not_at_all(guarded: Guarded) -> None:
    assert await guarded.status("/api/v1/sensors", WRONG) == 401
    key = new_key()
    add_key(guarded.database_url, key, Scope.READ, name="new")
    assert await guarded.status("/api/v1/sensors", key) == 200
    short = (await _made(guarded, {"name": "short", "scopes": ["read"], "expires": "1s"}))["key"]
    assert await guarded.status("/api/v1/sensors", short) == 200

    async def expired() -> bool:
        return await guarded.status("/api/v1/sensors", short) == 401

    await until(expired)


async def _made(guarded: Guarded, wanted: dict[str, object]) -> dict[str, str]:
    answer = await guarded.client.post("/api/v1/keys", json=wanted, headers=guarded.bearer(Scope.ADMIN))
    assert answer.status_code == 201, answer.text
    made: dict[str, str] = answer.json()
    return made


async def test_a_key_revoked_in_the_database_is_refused_within_the_time_that_is_set(guarding: Guard) -> None:
    async with guarding(keys_refresh="0.2s") as guarded:
        key = guarded.keys[Scope.READ]
        assert await guarded.status("/api/v1/sensors", key) == 200
        with psycopg.connect(guarded.database_url, autocommit=True) as connection:
            connection.execute("UPDATE api_keys SET revoked_at = now() WHERE name = 'to read'")

        async def refused() -> bool:
            return await guarded.status("/api/v1/sensors", key) == 401

        await until(refused, timeout=3)


async def test_while_the_database_is_away_known_keys_go_on_and_unknown_ones_are_told_to_wait(guarding: Guard) -> None:
    async with guarding() as plain:
        url = httpx.URL(plain.database_url)
        relay = Relay(url.host, url.port or 5432)
        await relay.mend()
    async with guarding(database_url=str(url.copy_with(port=relay.port)), keys_refresh="0.2s") as guarded:
        path, key = "/api/v1/websocket/status", guarded.keys[Scope.READ]  # needs no database
        assert await guarded.status(path, key) == 200
        await relay.cut()

        async def away() -> bool:
            return await guarded.status("/health/ready", None) == 503

        await until(away)
        assert await guarded.status(path, key) == 200
        assert await guarded.status("/api/v1/keys", guarded.keys[Scope.REPORT]) == 403
        answer = await guarded.client.get(path, headers={"Authorization": f"Bearer {WRONG}"})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert "The database does not answer" in answer.json()["detail"]
        await relay.mend()

        async def back() -> bool:
            return await guarded.status(path, WRONG) == 401

        await until(back)
        await relay.cut()


async def test_when_a_key_was_used_is_noted(guarding: Guard) -> None:
    async with guarding() as guarded:
        assert await guarded.status("/api/v1/sensors", guarded.keys[Scope.READ]) == 200
    used = "SELECT last_used_at > now() - interval '1 minute' FROM api_keys WHERE name = '{}'"
    await until_query(guarded.database_url, used.format("to read"), True)
    await until_query(guarded.database_url, used.format("to admin"), None)


async def test_the_openapi_document_says_that_a_key_is_needed_and_what_comes_without(guarded: Guarded) -> None:
    document = (await guarded.client.get("/openapi.json")).json()
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert ("security" in operation) == (path not in OPEN), path
            assert path in OPEN or {"401", "403", "429"} <= set(operation["responses"]), path
    answer = await guarded.client.get("/api/v1/sensors")
    [content] = document["paths"]["/api/v1/sensors"]["get"]["responses"]["401"]["content"].values()
    jsonschema.validate(answer.json(), {**content["schema"], "components": document["components"]})
