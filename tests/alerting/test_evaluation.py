"""Rules over a real database: from readings to alerts that are kept, and back."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from alerting.evaluation import Evaluator
from schema.alerting.definitions import write
from schema.alerting.rules import Rule
from schema.tables import alert_events, alert_notices, alerts
from tests.alerting.stage import Stage, email
from urbanclear.settings import Settings

SLOW = {"kind": "threshold", "measure": "speed_kmh", "below": 20, "clear_above": 30}
_SENSOR = "INSERT INTO sensors (external_id, name, area) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"
_LATEST = """
    INSERT INTO latest_readings (sensor_id, time, speed_kmh)
    SELECT id, %s, %s FROM sensors WHERE external_id = %s
    ON CONFLICT (sensor_id) DO UPDATE SET time = excluded.time, speed_kmh = excluded.speed_kmh
"""
_INCIDENT = """
    INSERT INTO incidents (id, time, status, kind, severity, started_at, sensors)
    VALUES (%(id)s, %(at)s, 'reported', 'collision', 'high', %(at)s, '{}')
"""


class City:
    """Sensors that measure what a test says, and rules that are evaluated when it says."""

    def __init__(self, url: str, engine: AsyncEngine) -> None:
        self.url, self.engine = url, engine
        self.evaluator = Evaluator(engine, Settings(), None)
        self._versions: dict[str, int] = {}

    async def rule(self, name: str, when: dict[str, Any], **more: Any) -> None:
        watched = Rule.model_validate({"name": name, "title": "{{ name }} at {{ value }}", "when": when, **more})
        before = self._versions.get(name, 0)
        async with self.engine.begin() as connection:
            await connection.execute(write("rule", name, watched, "api", "test", before))
        self._versions[name] = before + 1

    async def drop(self, name: str) -> None:
        async with self.engine.begin() as connection:
            await connection.execute(write("rule", name, None, "api", "test", self._versions[name]))

    async def measure(self, sensor: str, speed: float, age: timedelta = timedelta(0), area: str = "Bronx") -> None:
        async with await psycopg.AsyncConnection.connect(self.url) as connection:
            await connection.execute(_SENSOR, [sensor, sensor.upper(), area])
            await connection.execute(_LATEST, [datetime.now(UTC) - age, speed, sensor])

    async def happen(self, incident: str, age: timedelta) -> None:
        async with await psycopg.AsyncConnection.connect(self.url) as connection:
            await connection.execute(_INCIDENT, {"id": incident, "at": datetime.now(UTC) - age})

    async def round(self, later: timedelta = timedelta(0)) -> None:
        await self.evaluator.round(datetime.now(UTC) + later)

    async def open(self) -> dict[tuple[str, str], str]:
        async with self.engine.connect() as connection:
            found = await connection.execute(select(alerts).where(alerts.c.state != "resolved"))
            return {(row.rule, row.subject): row.state for row in found}

    async def column(self, column: Any) -> list[Any]:
        async with self.engine.connect() as connection:
            return list(await connection.scalars(select(column)))


@pytest.fixture
def city(database_url: str, engine: AsyncEngine) -> City:
    return City(database_url, engine)


async def test_a_slow_sensor_fires_and_is_told_in_the_words_of_the_rule(city: City, stage: Stage) -> None:
    await stage.define({"routes": [{"name": "all", "contacts": ["ann"]}]}, email("ann"))
    await city.rule("slow", SLOW, labels={"team": "tunnels"})
    await city.measure("city:1", 12)
    await city.measure("city:2", 50)
    await city.round()
    assert await city.open() == {("slow", "city:1"): "firing"}
    assert await city.column(alerts.c.summary) == ["CITY:1 at 12"]
    (labels,) = await city.column(alerts.c.labels)
    assert labels.items() >= {"sensor": "city:1", "area": "Bronx", "team": "tunnels", "priority": "medium"}.items()
    assert await city.column(alert_notices.c.alert_ids) == [await city.column(alerts.c.id)]


async def test_a_process_that_begins_anew_goes_on_where_the_last_one_was(city: City) -> None:
    await city.rule("slow", SLOW, **{"for": "10m"})
    await city.measure("city:1", 12)
    await city.round()
    assert await city.open() == {("slow", "city:1"): "pending"}
    city.evaluator = Evaluator(city.engine, Settings(), None)
    await city.evaluator.load()
    await city.round(timedelta(minutes=10))
    assert await city.open() == {("slow", "city:1"): "firing"}
    assert await city.column(alert_events.c.kind) == ["pending", "firing"]


async def test_without_data_there_is_one_alert_for_the_source_and_none_for_each_rule(city: City) -> None:
    lacking = {"then": "alert", "after": "0s"}
    await city.rule("slow", SLOW, no_data=lacking)
    await city.rule("fast", {**SLOW, "below": 30}, no_data=lacking)
    await city.rule("source-silent", {"kind": "silence", "by": "source", "longer_than": "10m"})
    await city.rule("sensor-silent", {"kind": "silence", "longer_than": "10m"})
    for number in range(3):
        await city.measure(f"down:{number}", 50, timedelta(minutes=20))
    await city.measure("up:1", 50, timedelta(minutes=20))
    await city.measure("up:2", 50)
    await city.round()
    assert await city.open() == {
        ("source-silent", "down"): "firing",
        ("slow", "up:1"): "firing",
        ("fast", "up:1"): "firing",
        ("sensor-silent", "up:1"): "firing",
    }


async def test_incidents_of_a_history_that_is_being_stored_are_not_told_unless_they_last(city: City) -> None:
    await city.rule("crash", {"kind": "incident"})
    await city.happen("city:past", timedelta(days=3))
    await city.round()
    assert await city.open() == {}
    await city.measure("city:1", 50, timedelta(days=3))
    await city.happen("city:now", timedelta(minutes=5))
    await city.round(timedelta(minutes=1))
    assert await city.open() == {("crash", "city:now"): "firing"}
    await city.measure("city:1", 50)
    await city.round(timedelta(minutes=2))
    both = {("crash", "city:now"): "firing", ("crash", "city:past"): "firing"}
    assert await city.open() == both
    await city.measure("city:1", 50, timedelta(hours=2))
    await city.round(timedelta(minutes=3))
    assert await city.open() == both


async def test_a_rule_that_cannot_be_evaluated_is_an_alert_until_it_can(city: City) -> None:
    await city.measure("city:1", 12)
    await city.rule("slow", SLOW)
    await city.rule("ours", {"kind": "sql", "query": "SELECT nothing FROM nowhere"})
    await city.round()
    assert await city.open() == {("slow", "city:1"): "firing", ("rule-failing", "ours"): "firing"}
    await city.rule("ours", {"kind": "sql", "query": "SELECT 'x' AS subject, 1 AS value"})
    await city.round(timedelta(minutes=1))
    assert await city.open() == {("slow", "city:1"): "firing", ("ours", "x"): "firing"}


async def test_alerts_of_a_rule_that_is_gone_are_over(city: City) -> None:
    await city.measure("city:1", 12)
    await city.rule("slow", SLOW)
    await city.round()
    await city.drop("slow")
    await city.round(timedelta(minutes=1))
    assert await city.open() == {}
    assert await city.column(alert_events.c.kind) == ["firing", "resolved"]


async def test_an_alert_that_goes_on_shows_what_is_seen_now(city: City) -> None:
    await city.measure("city:1", 12)
    await city.rule("slow", SLOW)
    await city.round()
    await city.measure("city:1", 8)
    await city.round(timedelta(minutes=2))
    assert await city.column(alerts.c.value) == [8]
