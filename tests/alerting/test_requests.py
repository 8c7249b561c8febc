"""What the API asks is worked off: dry runs and back-tests, also those that somebody left behind."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.requests import Answer, Requests
from schema.alerting.definitions import write
from tests.alerting.watching import Watch, rule_when
from tests.schema.city import Reading
from tests.waiting import until
from urbanclear.settings import Settings

SILENT = {"kind": "silence", "longer_than": "15m"}
SLOW = {
    "name": "slow",
    "title": "{{ name }}: {{ value }} km/h",
    "when": {"kind": "threshold", "measure": "speed_kmh", "below": 20},
    "for": "5m",
}
THEN = datetime(2026, 3, 2, 6, tzinfo=UTC)


def past(rule: Any = SLOW, days: float = 0.1) -> dict[str, Any]:
    return {"rule": rule, "from": THEN.isoformat(), "to": (THEN + timedelta(days=days)).isoformat()}


@asynccontextmanager
async def working(url: str, **others: Answer) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(Requests(Settings.model_validate({"database_url": url}), others).run(stop))
    yield
    stop.set()
    async with asyncio.timeout(10):
        await task


async def ask(watch: Watch, kind: str, body: dict[str, Any], number: str = "q", state: str = "waiting") -> None:
    await watch.city.connection.execute(
        "INSERT INTO alert_requests (id, kind, body, requested_by, state) VALUES (%s, %s, %s, 'ann', %s)",
        [number, kind, json.dumps(body), state],
    )
    await watch.city.connection.execute("NOTIFY alert_requests")


async def answer(watch: Watch, number: str = "q") -> dict[str, Any]:
    async def over() -> bool:
        row = await watch.city.row("SELECT state FROM alert_requests WHERE id = %s", number)
        return row["state"] in ("done", "failed")

    await until(over, timeout=60)
    return await watch.city.row("SELECT * FROM alert_requests WHERE id = %s", number)


async def asked(watch: Watch, url: str, kind: str, body: dict[str, Any]) -> dict[str, Any]:
    async with working(url):
        await ask(watch, kind, body)
        return await answer(watch)


@pytest.fixture
async def slow_now(watch: Watch) -> Watch:
    ids = [await watch.city.sensor(name) for name in ("fast", "none", "slow")]
    now = datetime.now(UTC)
    await watch.city.read([Reading(ids[0], now - timedelta(minutes=1), 50), Reading(ids[2], now, 12)])
    return watch


async def test_a_dry_run_begins_no_alert_for_what_is_of_the_past(watch: Watch, database_url: str) -> None:
    now = datetime.now(UTC)
    for name, age in {"lately": timedelta(hours=1), "recorded": timedelta(days=4)}.items():
        sensor = await watch.city.sensor(name)
        await watch.city.read([Reading(sensor, now - age, 50)])
    rule = {"name": "quiet", "title": "{{ name }}: {{ labels.priority }}", "when": SILENT}
    result = (await asked(watch, database_url, "dry_run", {"rule": rule}))["result"]
    assert [(one["subject"], one["would_fire"], one.get("summary")) for one in result["subjects"]] == [
        ("t:lately", True, "lately: medium"),
        ("t:recorded", False, None),
    ]


async def test_a_dry_run_says_what_a_rule_sees_and_would_do(slow_now: Watch, database_url: str) -> None:
    found = await asked(slow_now, database_url, "dry_run", {"rule": SLOW})
    assert (found["state"], found["error"], found["progress"]) == ("done", None, 1)
    result = found["result"]
    assert (result["count"], result["firing"], result["without_data"], result["problems"]) == (3, 1, 1, [])
    assert result["subjects"][0]["summary"] == "slow: 12 km/h"
    assert [(one["subject"], one["value"], one["would_fire"]) for one in result["subjects"]] == [
        ("t:slow", 12, True),
        ("t:fast", 50, False),
        ("t:none", None, False),
    ]


async def test_a_dry_run_says_what_is_wrong_in_the_databases_words(watch: Watch, database_url: str) -> None:
    wrong = {**SLOW, "title": "{{ x", "when": {"kind": "sql", "query": "SELECT y"}}
    result = (await asked(watch, database_url, "dry_run", {"rule": wrong}))["result"]
    assert result["problems"][1] == 'The query is wrong: column "y" does not exist, at character 8.'
    assert result["problems"][0].startswith("title: ")
    assert result["count"] == 0


async def test_a_back_test_is_worked_out_beside_the_engine(watch: Watch, database_url: str) -> None:
    sensor = await watch.city.sensor("a")
    await watch.city.read(
        Reading(sensor, THEN + timedelta(minutes=m), 10 if 30 <= m < 60 else 50) for m in range(120)
    )
    async with watch.engine.begin() as connection:
        rule = rule_when(SLOW["when"]).model_copy(update={"name": "slow"})  # type: ignore[arg-type]
        await connection.execute(write("rule", "slow", rule, "api", "ann", 0))
    async with working(database_url):
        for number, named in (("1", "slow"), ("2", SLOW)):
            await ask(watch, "backtest", past(named), number)
            found = await answer(watch, number)
            assert (found["state"], found["error"]) == ("done", None)
            assert found["result"]["fired"] == 1
            assert found["result"]["firings"][0]["worst"] == 10


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (past("gone"), "There is no rule gone."),
        (past({"name": "a", "title": "a", "when": {"kind": "sql", "query": "SELECT 1"}}), "cannot be back-tested"),
        (past(days=93), "92 days at most"),
        (past({"name": "A"}), "rule: name: String should match"),
        ({"rule": SLOW}, "The request cannot be understood (KeyError: 'from')."),
        ({**past(), "from": "yesterday"}, "cannot be understood (ValueError"),
    ],
)
async def test_why_a_back_test_is_not_made_is_said_in_a_sentence(
    watch: Watch, database_url: str, body: dict[str, Any], error: str
) -> None:
    found = await asked(watch, database_url, "backtest", body)
    assert found["state"] == "failed"
    assert error in found["error"]
    assert found["finished_at"] is not None


async def test_what_somebody_left_behind_is_taken_up_and_what_somebody_works_on_is_not(
    slow_now: Watch, database_url: str
) -> None:
    await ask(slow_now, "dry_run", {"rule": SLOW}, "left", "running")
    await ask(slow_now, "dry_run", {"rule": SLOW}, "held", "running")
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as other:
        await other.execute("SELECT pg_advisory_lock(hashtextextended('held', 0))")
        async with working(database_url):
            await ask(slow_now, "dry_run", {"rule": SLOW}, "new")
            assert (await answer(slow_now, "left"))["state"] == (await answer(slow_now, "new"))["state"] == "done"
            held = await slow_now.city.row("SELECT state FROM alert_requests WHERE id = 'held'")
            assert held["state"] == "running"
            await other.close()
            assert (await answer(slow_now, "held"))["state"] == "done"


async def test_other_kinds_are_answered_by_who_knows_them(watch: Watch, database_url: str) -> None:
    async def preview(_: AsyncConnection, body: dict[str, Any]) -> dict[str, Any]:
        return {"echo": body["text"]}

    async with working(database_url, preview=preview):
        await ask(watch, "preview", {"text": "hello"})
        assert (await answer(watch))["result"] == {"echo": "hello"}


async def test_answers_are_forgotten_after_a_day(slow_now: Watch, database_url: str) -> None:
    await slow_now.city.connection.execute(
        "INSERT INTO alert_requests (id, kind, body, requested_by, state, finished_at) "
        "VALUES ('old', 'dry_run', '{}', 'ann', 'done', now() - interval '25 hours')"
    )
    await asked(slow_now, database_url, "dry_run", {"rule": SLOW})
    assert [row["id"] for row in await slow_now.city.rows("SELECT id FROM alert_requests")] == ["q"]
