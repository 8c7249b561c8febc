"""The process itself: from an incident to the receiver and to Kafka, killed and followed by another."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from aiokafka import AIOKafkaConsumer

from schema.alerting.definitions import write
from schema.alerting.routing import Contact, Policy
from schema.events import Alert, decode
from schema.topics import ALERTS
from tests.alerting.receiver import Receiver, receiving
from tests.alerting.stage import Stage
from tests.waiting import fetch_one, until, until_query

_REPORT = """
    INSERT INTO incidents (id, time, status, kind, severity, started_at, area)
    VALUES (%s, now(), 'reported', 'collision', %s, now(), 'Bronx')
"""
_CLEAR = "UPDATE incidents SET status = 'cleared', cleared_at = now(), time = now() WHERE id = %s"
_CUT = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND starts_with(application_name, 'urbanclear')
"""
_LEADS = "SELECT instance FROM alert_leader WHERE renewed_at > clock_timestamp() - interval '3 seconds'"


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as running:
        yield running


@asynccontextmanager
async def alerting(url: str, bootstrap: str, folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    environment = {
        **os.environ,
        "URBANCLEAR_DATABASE_URL": url,
        "URBANCLEAR_KAFKA_BOOTSTRAP": bootstrap,
        "URBANCLEAR_ALERT_PRIVATE_NETWORKS": "127.0.0.0/8",
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "urbanclear", "alerting"),
        env=environment,
        cwd=folder,
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _tell_everything_to(stage: Stage, receiver: Receiver) -> None:
    hook = {"kind": "webhook", "to": receiver.url}
    route = {"name": "all", "contacts": ["duty"], "group_by": ["subject"], "group_wait": "0s", "group_interval": "0s"}
    async with stage.engine.begin() as connection:
        policy = Policy.model_validate({"routes": [route]})
        await connection.execute(write("policy", "policy", policy, "api", "test", 0))
        duty = Contact.model_validate({"name": "duty", "channels": [hook]})
        await connection.execute(write("contact", "duty", duty, "api", "test", 0))


async def _run(url: str, statement: str, *values: str) -> None:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        await connection.execute(statement.encode(), values)


def _told(receiver: Receiver) -> list[tuple[str, str]]:
    return [(alert["subject"], alert["state"]) for request in receiver.requests for alert in request.json["alerts"]]


async def test_an_incident_is_told_to_the_receiver_and_to_kafka_and_so_is_its_end(
    database_url: str, kafka_bootstrap: str, stage: Stage, receiver: Receiver, tmp_path: Path
) -> None:
    await _tell_everything_to(stage, receiver)
    heard: list[Alert] = []
    async with (
        AIOKafkaConsumer(ALERTS.name, bootstrap_servers=kafka_bootstrap, auto_offset_reset="earliest") as consumer,
        alerting(database_url, kafka_bootstrap, tmp_path) as process,
    ):
        await until_query(database_url, "SELECT count(*) FROM alert_rules", 19)
        await _run(database_url, _REPORT, "test:1", "critical")
        await until(lambda: _is(len(receiver.requests) == 1))
        await _run(database_url, _CLEAR, "test:1")
        await until(lambda: _is(len(receiver.requests) == 2))
        while len(heard) < 2:
            heard.append(decode(Alert, (await consumer.getone()).value))
        process.terminate()
        began = time.monotonic()
        assert await process.wait() == 0
        assert time.monotonic() - began < 10
    assert _told(receiver) == [("test:1", "firing"), ("test:1", "resolved")]
    assert [(one.rule, one.state, one.priority) for one in heard] == [
        ("collision", "firing", "critical"),
        ("collision", "resolved", "critical"),
    ]


async def test_another_process_goes_on_within_ten_seconds_and_tells_nothing_under_a_second_key(
    database_url: str, kafka_bootstrap: str, stage: Stage, receiver: Receiver, tmp_path: Path
) -> None:
    await _tell_everything_to(stage, receiver)
    async with (
        alerting(database_url, kafka_bootstrap, tmp_path) as first,
        alerting(database_url, kafka_bootstrap, tmp_path) as second,
    ):
        await until_query(database_url, f"SELECT EXISTS ({_LEADS})", True)
        await _run(database_url, _REPORT, "test:1", "high")
        await until(lambda: _is(len(receiver.requests) == 1))
        led = str(await fetch_one(database_url, _LEADS))
        leader, other = (first, second) if led.endswith(f"/{first.pid}") else (second, first)
        leader.kill()
        killed = datetime.now(UTC)
        await _run(database_url, _REPORT, "test:2", "high")
        await until_query(database_url, f"SELECT ({_LEADS}) LIKE '%/{other.pid}'", True)
        assert (datetime.now(UTC) - killed).total_seconds() < 10
        await until(lambda: _is(len(set(receiver.keys)) == 2))
        await _run(database_url, _CLEAR, "test:1")
        await until(lambda: _is(len(set(receiver.keys)) == 3))
    by_key = dict(zip(receiver.keys, _told(receiver), strict=True))
    assert sorted(by_key.values()) == [("test:1", "firing"), ("test:1", "resolved"), ("test:2", "firing")]


async def test_connections_that_are_cut_are_made_anew_and_nothing_is_told_twice(
    database_url: str, kafka_bootstrap: str, stage: Stage, receiver: Receiver, tmp_path: Path
) -> None:
    await _tell_everything_to(stage, receiver)
    async with alerting(database_url, kafka_bootstrap, tmp_path) as process:
        await until_query(database_url, "SELECT count(*) FROM alert_rules", 19)
        await _run(database_url, _REPORT, "test:1", "high")
        await until_query(database_url, "SELECT count(*) FROM notifications WHERE state = 'delivered'", 1)
        await _run(database_url, _CUT)
        await _run(database_url, _REPORT, "test:2", "high")
        await until_query(database_url, "SELECT count(*) FROM notifications WHERE state = 'delivered'", 2)
        assert process.returncode is None
    assert _told(receiver) == [("test:1", "firing"), ("test:2", "firing")]


async def _is(found: bool) -> bool:
    return found
