"""The blizzard of 4 January 2018: the default rules tell of one slow city, and not of its hundred slow roads."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from alerting.applying import DEFAULTS, differences, seed_defaults, write_all
from alerting.backtest.history import History, history
from alerting.backtest.replay import replay
from alerting.conditions import Context
from alerting.definitions_files import read_files
from alerting.dispatch.process import Dispatcher
from alerting.evaluation import Evaluator
from alerting.observation import Observation
from schema.alerting.definitions import Kept
from schema.alerting.rules import Rule
from schema.tables import alerts, notifications
from tests.alerting.backtest import storm
from tests.schema.city import city_at
from urbanclear.settings import Settings

CONGESTION = ("city-slow", "area-slow", "corridor-slow", "unusual-congestion", "severe-congestion")


@dataclass(frozen=True)
class Past:
    """A rule and all that it saw."""

    rule: Kept[Rule]
    history: History

    def at(self, row: int) -> list[Observation]:
        seen = [(track.subject, float(track.values[row])) for track in self.history.tracks]
        return [Observation(one.key, one.name, None if np.isnan(v) else v, one.labels) for one, v in seen]


async def load(url: str, engine: AsyncEngine, data: Path) -> None:
    async with city_at(url) as city:
        await storm.load(city, data)
    await seed_defaults(engine)
    contacts, _ = read_files([DEFAULTS / "contacts.example.yaml"])
    async with engine.begin() as connection:
        await write_all(connection, await differences(connection, contacts, "file"), "file", "test")


async def pasts(engine: AsyncEngine, evaluator: Evaluator) -> list[Past]:
    found = []
    async with engine.connect() as connection:
        await evaluator.book.refresh(connection)
        context = Context(storm.END, "America/New_York", "US")
        for name in CONGESTION:
            rule = evaluator.book.rules[name]
            seen = await history(connection, rule.definition, storm.START, storm.END, context, lambda _: None)
            found.append(Past(rule, seen))
    return found


async def live(engine: AsyncEngine, evaluator: Evaluator, found: list[Past], start: datetime, end: datetime) -> None:
    """The engine itself goes through the past, five minutes at a time."""
    dispatcher = Dispatcher(engine, None, evaluator.book)
    grid = found[0].history.grid
    for row in range(grid.row_from(start), grid.row_from(end)):
        now = grid.time(row)
        for past in found:
            await evaluator.take(past.rule, past.at(row), frozenset(), now)
        await dispatcher.remind(now)
        await dispatcher.tell(now)


async def test_one_message_of_a_slow_city(engine: AsyncEngine, database_url: str, shared_data: Path) -> None:
    await load(database_url, engine, shared_data)
    evaluator = Evaluator(engine, Settings(), None)
    found = await pasts(engine, evaluator)

    firings = {past.rule.name: replay(past.rule.definition, past.history.grid, past.history.tracks) for past in found}
    [city] = firings["city-slow"]
    assert datetime(2018, 1, 4, 14, tzinfo=UTC) < city.fired_at < datetime(2018, 1, 4, 15, tzinfo=UTC)
    assert city.ended_at is not None
    assert timedelta(hours=5) < city.ended_at - city.fired_at < timedelta(hours=9)
    slow = [one for one in firings["unusual-congestion"] if city.fired_at <= one.fired_at < city.ended_at]
    assert len(slow) > 40

    await live(engine, evaluator, found, storm.STORM[0], storm.STORM[1])
    async with engine.connect() as connection:
        kept = (await connection.execute(select(alerts.c.rule, alerts.c.fired_at))).all()
        sent = (await connection.execute(select(notifications.c.priority, notifications.c.kind))).all()
    during = Counter(row.rule for row in kept if row.fired_at and city.fired_at <= row.fired_at < city.ended_at)
    assert during["city-slow"] == 1
    assert during.total() > 60
    told = Counter((row.priority, row.kind) for row in sent)
    assert told["critical", "email"] == told["critical", "slack"] == 3  # begins, still lasts after 4 hours, is over
    assert told.total() - 6 < 10  # of areas that stay slow when the city does not
