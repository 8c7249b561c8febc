"""What alerting is asked to work out. Its side is played by statements of SQL: the API sees no more of it."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from schema.heartbeat import BEAT
from schema.keys import new_key
from schema.scopes import Scope
from tests.api.conftest import add_key, bearer, running_api, settings_with_key
from tests.api.resources.conftest import NO_KAFKA
from tests.waiting import fetch_one, until_query

RULE: dict[str, Any] = {
    "name": "slow",
    "title": "slow",
    "when": {"kind": "threshold", "measure": "speed_kmh", "below": 20},
}
QUERY = {**RULE, "when": {"kind": "sql", "query": "SELECT 'x' AS subject, 1 AS value"}}
OPERATOR = new_key()
DOCS = (Path(__file__).parents[3] / "docs" / "api.md").read_text()
#: What docs/api.md asks: the path, and the body.
ASKED = re.findall(r"api/v1(/alert-rules/(?:dry-run|backtest))\?[^']*'(\{.*?\})'", DOCS, re.DOTALL)


@pytest.fixture
async def client(database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    add_key(database_url, OPERATOR, Scope.OPERATE, name="centre")
    async with (
        running_api(settings_with_key(database_url, NO_KAFKA), bridged=False) as live,
        httpx.AsyncClient(
            base_url=f"{live.url}/api/v1", trust_env=False, headers=bearer(OPERATOR), timeout=30
        ) as client,
    ):
        yield client


async def beat(database_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute(BEAT, ["alerting", "test"])


async def answer_next(database_url: str, assignments: str) -> None:
    """What alerting does: wait for word of a request, and write what came of it."""
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute("LISTEN alert_requests")
        await beat(database_url)
        assert [word.channel async for word in connection.notifies(timeout=20, stop_after=1)] == ["alert_requests"]
        await connection.execute(f"UPDATE alert_requests SET {assignments}".encode())


async def test_a_question_is_refused_while_nobody_is_there_to_answer(
    client: httpx.AsyncClient, database_url: str
) -> None:
    answer = await client.post("/alert-rules/dry-run", json={"rule": RULE})
    assert (answer.status_code, "urbanclear alerting" in answer.json()["detail"]) == (503, True)
    assert await fetch_one(database_url, "SELECT count(*) FROM alert_requests") == 0


async def test_a_question_is_answered_later_or_as_soon_as_there_is_an_answer(
    client: httpx.AsyncClient, database_url: str
) -> None:
    await beat(database_url)
    asked = await client.post("/alert-rules/backtest", json={"rule": RULE, "from": "-7d"})
    assert (asked.status_code, asked.json()["state"], asked.json()["kind"]) == (202, "waiting", "backtest")
    days = (
        "SELECT extract(day FROM (body ->> 'to')::timestamptz - (body ->> 'from')::timestamptz) FROM alert_requests"
    )
    assert await fetch_one(database_url, days) == 7
    path = asked.headers["location"].removeprefix("/api/v1")
    assert (await client.get(path)).json()["progress"] == 0
    done = "state = 'done', progress = 1, result = '{\"alerts\": [1]}', finished_at = now()"
    answering = asyncio.create_task(answer_next(database_url, done))
    listening = "SELECT count(*) FROM pg_stat_activity WHERE query = 'LISTEN alert_requests' AND state = 'idle'"
    await until_query(database_url, listening, 1)
    answer = await client.post("/alert-rules/dry-run", json={"rule": RULE}, params={"wait": "20s"})
    await answering
    assert (answer.status_code, answer.json()["result"]) == (200, {"alerts": [1]})
    assert (await client.get(path, params={"wait": "20s"})).json()["state"] == "done"


async def test_the_documented_questions_are_taken(client: httpx.AsyncClient, database_url: str) -> None:
    await beat(database_url)
    assert [path for path, _ in ASKED] == ["/alert-rules/dry-run", "/alert-rules/backtest"]
    for path, body in ASKED:
        answer = await client.post(path, json=json.loads(body))
        assert answer.status_code == 202, answer.text


async def test_only_administrators_try_queries_of_their_own(client: httpx.AsyncClient, database_url: str) -> None:
    await beat(database_url)
    refused = await client.post("/alert-rules/dry-run", json={"rule": QUERY})
    assert (refused.status_code, "scope admin" in refused.json()["detail"]) == (403, True)
    allowed = await client.post("/alert-rules/dry-run", json={"rule": QUERY}, headers=bearer())
    assert allowed.status_code == 202


async def test_what_cannot_be_asked_is_refused(client: httpx.AsyncClient, database_url: str) -> None:
    await beat(database_url)
    for body, wait in (
        ({"rule": {**RULE, "title": ""}}, "1s"),
        ({"rule": RULE}, "31s"),
        ({"rule": RULE}, "soon"),
        ({}, "1s"),
    ):
        answer = await client.post("/alert-rules/dry-run", json=body, params={"wait": wait})
        assert answer.status_code == 422
    answer = await client.post("/alert-rules/backtest", json={"rule": RULE, "from": "now", "to": "-1h"})
    assert answer.status_code == 422
    assert (await client.get("/alert-requests/none")).status_code == 404
