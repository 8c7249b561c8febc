"""Killed at any statement, commit or delivery, alerting loses no alert and tells none twice but under the same key.

Each run plays some minutes of two sensors through evaluation, dispatch and delivery. It is killed at points drawn
from its seed: from then on nothing reaches the database, as after SIGKILL, and a new life goes on with what was kept.
"""

import random
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

import pytest
from sqlalchemy import Engine, delete, event, select
from sqlalchemy.ext.asyncio import AsyncEngine

from alerting.channels.contract import Outgoing, Preview, Sender
from alerting.delivery import Delivery
from alerting.dispatch.process import Dispatcher
from alerting.evaluation import Evaluator
from alerting.leadership import take_lead
from alerting.observation import Observation
from alerting.states import State, advance
from schema.alerting.definitions import Kept
from schema.alerting.rules import Rule
from schema.tables import alert_events, alert_notices, alert_told, alerts, notifications
from tests.alerting.stage import START, Stage, email
from tests.waiting import until
from urbanclear.settings import Settings

RUNS: Final = 500
AT_ONCE: Final = 50
NOISY, CALM = 5, 2  # minutes
SUBJECTS: Final = ("city:1", "city:2")
TABLES: Final = (notifications, alert_notices, alert_told, alert_events, alerts)
ROUTE: Final = {"name": "all", "contacts": ["ann"], "group_by": [], "group_wait": "0s", "group_interval": "0s"}


class Killed(BaseException):
    """Nothing of this life happens any more."""


@dataclass
class Fate:
    """Ends a life at the point that was drawn; `points` counts those that were passed."""

    left: int | None = None
    dead: bool = False

    def point(self, *_: object) -> None:
        if self.dead:
            raise Killed
        if self.left is not None:
            self.left -= 1
            if self.left <= 0:
                self.dead = True
                raise Killed


@pytest.fixture
def fate() -> Iterator[Fate]:
    ends = Fate()
    for name in ("before_cursor_execute", "commit"):
        event.listen(Engine, name, ends.point)
    yield ends
    for name in ("before_cursor_execute", "commit"):
        event.remove(Engine, name, ends.point)


class Receiver(Sender):
    """Takes whatever is sent; its sender may be killed just after."""

    def __init__(self, fate: Fate) -> None:
        self.fate = fate
        self.taken: list[Outgoing] = []

    async def preview(self, outgoing: Outgoing) -> Preview:
        return Preview(b"", ".txt")

    async def send(self, outgoing: Outgoing) -> None:
        self.taken.append(outgoing)
        self.fate.point()


@dataclass
class Run:
    """One seed: what is seen each minute, and where it is killed."""

    url: str
    engine: AsyncEngine
    fate: Fate
    settings: Settings
    seed: int

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        waits = {"for": f"{self.random.randrange(3)}m", "keep_firing_for": f"{self.random.randrange(2)}m"}
        slow = {"kind": "threshold", "measure": "speed_kmh", "below": 20, "clear_above": 30}
        self.rule = Rule.model_validate({"name": "slow", "title": "{{ name }}", "when": slow, **waits})
        self.seen = [
            [Observation(subject, subject, self.random.choice([10.0, 10.0, 25.0, 40.0])) for subject in SUBJECTS]
            for _ in range(NOISY)
        ] + [[Observation(subject, subject, 50.0) for subject in SUBJECTS]] * CALM
        self.receiver = Receiver(self.fate)
        self.kept = Kept("slow", 1, self.rule, "api", datetime.now(UTC), "test")

    def expected(self) -> set[str]:
        """The alerts that fire where nobody is killed."""
        states: dict[str, State | None] = {}
        fired = set()
        for minute, seen in enumerate(self.seen):
            for one in seen:
                states[one.subject], changes = advance(self.rule, states.get(one.subject), one, _at(minute))
                fired |= {change.state.id for change in changes if change.kind == "firing"}
        return fired

    async def play(self) -> int:
        """All minutes, in as many lives as it takes; how many that were."""
        self.minute, self.is_over, lives = 0, False, 0
        while not self.is_over:
            lives += 1
            self.fate.dead, self.fate.left = False, self.random.randrange(1, 120) if lives < 4 else None
            with suppress(Killed):
                await self._live()
        return lives

    async def _live(self) -> None:
        """From the minute in which the last life ended."""
        epoch = await take_lead(self.engine, "one")
        evaluator, dispatcher = Evaluator(self.engine, self.settings, epoch), Dispatcher(self.engine, epoch)
        evaluator.book = dispatcher.book
        delivery = Delivery(self.url, self.settings, epoch=epoch, senders={"email": self.receiver})
        try:
            await evaluator.load()
            await dispatcher.remind(_at(self.minute))
            while self.minute < len(self.seen):
                await self._minute(evaluator, dispatcher, delivery, self.minute)
                self.minute += 1
            await until(partial(self._all_delivered, delivery))
            self.is_over = True
        finally:
            with suppress(Killed):
                await delivery.close()

    async def _all_delivered(self, delivery: Delivery) -> bool:
        """An end waits a moment for its beginning."""
        await delivery.run_once()
        return "waiting" not in await _column(self.engine, notifications.c.state)

    async def _minute(self, evaluator: Evaluator, dispatcher: Dispatcher, delivery: Delivery, minute: int) -> None:
        if minute % 2 == 0:
            await dispatcher.remind(_at(minute))
        await evaluator.take(self.kept, self.seen[minute], frozenset(), _at(minute))
        await dispatcher.tell(_at(minute))
        await delivery.run_once()


def _at(minute: int) -> datetime:
    return START + timedelta(minutes=minute)


async def _kinds(engine: AsyncEngine) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    async with engine.connect() as connection:
        for row in await connection.execute(select(alert_events).order_by(alert_events.c.id)):
            if row.kind in ("firing", "resolved"):
                found[row.alert_id].append(row.kind)
    return found


async def _column(engine: AsyncEngine, column: Any) -> set[Any]:
    async with engine.connect() as connection:
        return set(await connection.scalars(select(column)))


@pytest.mark.parametrize("first", range(0, RUNS, AT_ONCE))
async def test_no_alert_is_lost_and_none_is_told_twice_but_under_its_key(
    database_url: str, engine: AsyncEngine, stage: Stage, fate: Fate, first: int
) -> None:
    lives, settings = 0, Settings()
    await stage.define({"routes": [ROUTE]}, email("ann"))
    for seed in range(first, first + AT_ONCE):
        async with engine.begin() as connection:
            for table in TABLES:
                await connection.execute(delete(table))
        run = Run(database_url, engine, fate, settings, seed)
        lives += await run.play()
        fate.left = None
        expected = run.expected()
        keys: dict[tuple[str, str], set[str]] = defaultdict(set)
        for outgoing in run.receiver.taken:
            for told in outgoing.message.alerts:
                keys[told.id, told.state].add(outgoing.key)
        assert await _kinds(engine) == {alert: ["firing", "resolved"] for alert in expected}, seed
        assert {told: len(found) for told, found in keys.items()} == {
            (alert, state): 1 for alert in expected for state in ("firing", "resolved")
        }, seed
        if expected:
            assert await _column(engine, notifications.c.state) == {"delivered"}, seed
            assert await _column(engine, alerts.c.state) == {"resolved"}, seed
    assert lives > 2 * AT_ONCE
