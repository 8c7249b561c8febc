"""A database in which alerts begin and end as a test says, and the dispatch that tells of them, minute by minute."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Row, insert, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from alerting.dispatch.notices import plan_firing, plan_resolved
from alerting.dispatch.process import Dispatcher
from alerting.message import Message
from alerting.observation import Observation
from alerting.rulebook import Rulebook
from alerting.states import State, advance
from alerting.store import Happened, write_changes
from schema.alerting.definitions import write
from schema.alerting.routing import Contact, Policy, SilenceRequest
from schema.alerting.rules import Rule
from schema.tables import alert_definitions, alert_events, alert_notices, alert_silences, alerts, notifications

START = datetime(2026, 3, 2, 8, tzinfo=UTC)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def rule(name: str, **changes: Any) -> Rule:
    """A rule by which a subject is worth an alert while it is seen."""
    return Rule.model_validate({"name": name, "title": name, "when": {"kind": "incident"}, **changes})


def email(name: str, **changes: Any) -> Contact:
    channel = {"kind": "email", "to": f"{name}@city.example", **changes.pop("channel", {})}
    return Contact.model_validate({"name": name, "channels": [channel], **changes})


@dataclass
class Stage:
    """`now` goes on as the test says."""

    engine: AsyncEngine
    now: datetime = START
    states: dict[tuple[str, str], State] = field(default_factory=dict)
    book: Rulebook = field(default_factory=Rulebook)

    async def define(self, policy: dict[str, Any], *contacts: Contact) -> None:
        async with self.engine.begin() as connection:
            await connection.execute(text(f"TRUNCATE {alert_definitions.name}"))
            await connection.execute(write("policy", "policy", Policy.model_validate(policy), "api", "test", 0))
            for contact in contacts:
                await connection.execute(write("contact", contact.name, contact, "api", "test", 0))
            await self.book.refresh(connection)

    async def fire(self, name: str, subject: str, priority: str = "medium", **labels: str | list[str]) -> str:
        """An alert of the rule `name`; its id."""
        seen = Observation(subject, subject, 1.0, labels)
        return await self._step(rule(name, priority=priority), subject, seen)

    async def resolve(self, name: str, subject: str) -> None:
        await self._step(rule(name), subject, None)

    async def _step(self, watched: Rule, subject: str, seen: Observation | None) -> str:
        before = self.states.get((watched.name, subject))
        state, changes = advance(watched, before, seen, self.now)
        happened = [Happened(watched, 1, subject, change, seen, watched.title) for change in changes]
        async with self.engine.begin() as connection:
            await write_changes(connection, happened, self.now)
            firing = {one.change.state.id: one.labels for one in happened if one.change.kind == "firing"}
            await plan_firing(connection, self.book.policy, firing, self.now)
            over = [one.change.state.id for one in happened if one.change.kind == "resolved"]
            await plan_resolved(connection, self.book.policy, over, self.now)
        known = state or before
        assert known is not None
        if state is None:
            self.states.pop((watched.name, subject))
        else:
            self.states[watched.name, subject] = state
        return known.id

    async def after(self, passed: timedelta) -> list[tuple[str, Message]]:
        """Let time pass, remind and tell; who is told what by it."""
        self.now += passed
        before = {row.id for row in await self.rows(notifications)}
        dispatcher = Dispatcher(self.engine, None, self.book)
        await dispatcher.remind(self.now)
        await dispatcher.tell(self.now)
        new = [row for row in await self.rows(notifications) if row.id not in before]
        documents = {row.id: row.document for row in await self.rows(alert_notices)}
        return sorted(
            ((row.contact, msgspec.convert(documents[row.notice_id], Message, strict=False)) for row in new),
            key=lambda told: (told[0], told[1].id),
        )

    async def silence(self, *matchers: str, lasts: timedelta, **more: Any) -> None:
        times = {"starts_at": self.now, "ends_at": self.now + lasts}
        asked = SilenceRequest.model_validate({"matchers": matchers, **times, **more})
        document = asked.document()
        definition = {name: value for name, value in document.items() if name not in times}
        async with self.engine.begin() as connection:
            await connection.execute(insert(alert_silences).values(definition=definition, created_by="test", **times))

    async def rows(self, table: Any) -> Sequence[Row[Any]]:
        async with self.engine.connect() as connection:
            return (await connection.execute(select(table))).all()

    async def events(self, alert: str) -> list[str]:
        """Kinds of what happened to an alert, in order."""
        kinds = select(alert_events.c.kind).where(alert_events.c.alert_id == alert).order_by(alert_events.c.id)
        async with self.engine.connect() as connection:
            return list(await connection.scalars(kinds))

    async def acknowledge(self, alert: str) -> None:
        async with self.engine.begin() as connection:
            taking = alerts.update().where(alerts.c.id == alert)
            await connection.execute(taking.values(acknowledged_at=self.now, acknowledged_by="ann"))


def said(told: list[tuple[str, Message]]) -> list[tuple[str, str, list[str]]]:
    """Who was told, of what kind, of which subjects."""
    return [
        (who, message.kind if message.status == "firing" else "resolved", sorted(a.subject for a in message.alerts))
        for who, message in told
    ]
