"""Alerts as they are kept: what is open is read once, and each change is written with what it is told by.

A change is written once: an alert's id is the same whoever comes to it, and only an open alert of it can change.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Executable, and_, bindparam, insert, null, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or
from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.observation import Observation
from alerting.states import Change, State
from schema.alerting.events import alert_event
from schema.alerting.rules import Rule
from schema.alerting.words import Priority
from schema.tables import alert_events, alerts

BY_ITSELF: Final = "alerting"
"""Who did what no person did, in `alert_events.actor`."""
_OPEN: Final = alerts.c.state != "resolved"


@dataclass(frozen=True)
class Happened:
    """A change of an alert of `rule`, with what was seen then; `seen` is None where the subject is gone."""

    rule: Rule
    version: int
    subject: str
    change: Change
    seen: Observation | None
    summary: str = ""
    description: str = ""

    @property
    def priority(self) -> Priority:
        """The rule's own, or the incident's."""
        if isinstance(self.rule.priority, Priority):
            return self.rule.priority
        return (self.seen.priority if self.seen else None) or Priority.MEDIUM

    @property
    def labels(self) -> dict[str, str | list[str]]:
        """The subject's and the rule's, and what every alert has."""
        seen = self.seen.labels if self.seen else {}
        own = {"rule": self.rule.name, "subject": self.subject, "kind": self.rule.when.kind}
        runbook = {"runbook": self.rule.runbook} if self.rule.runbook else {}
        return {**seen, **self.rule.labels, **runbook, **own, "priority": self.priority.value}


async def open_states(connection: AsyncConnection) -> dict[tuple[str, str], State]:
    """Every alert that is pending or firing, by rule and subject."""
    return {
        (row.rule, row.subject): State(
            row.id,
            row.state,
            row.reason,
            row.started_at,
            row.fired_at,
            row.clear_since,
            row.value,
            Priority(row.priority),
        )
        for row in await connection.execute(select(alerts).where(_OPEN))
    }


async def write_changes(connection: AsyncConnection, changes: Sequence[Happened], now: datetime) -> None:
    """Keep `changes`, in their order, and what Kafka is to be told of them."""
    for happened in changes:
        row = await _WRITERS[happened.change.kind](connection, happened, now)
        if row is not None:
            await note(connection, row, happened.change.kind, now)


async def note(
    connection: AsyncConnection,
    row: Mapping[str, Any],
    kind: str,
    now: datetime,
    actor: str = BY_ITSELF,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """That something happened to the alert of `row`; Kafka is told how the alert is now where its state changed."""
    values = {"alert_id": row["id"], "time": now, "kind": kind, "actor": actor, "detail": dict(detail or {})}
    event = msgspec.to_builtins(alert_event(row)) if kind in _WRITERS else null()
    await connection.execute(insert(alert_events).values(**values, event=event))


async def write_values(connection: AsyncConnection, states: Iterable[State], now: datetime) -> None:
    """What alerts that go on were last seen with, and since when they are well."""
    rows = [{"alert": state.id, "seen": state.value, "well": state.clear_since} for state in states]
    if rows:
        changing = (
            update(alerts)
            .where(alerts.c.id == bindparam("alert"), _OPEN)
            .values(value=bindparam("seen"), clear_since=bindparam("well"), observed_at=now)
        )
        await connection.execute(changing, rows)


async def _written(connection: AsyncConnection, happened: Happened, now: datetime) -> dict[str, Any] | None:
    """The alert's row, or None where that had been written before."""
    told, seen = happened.change.state, happened.seen
    values = {
        "id": told.id,
        "rule": happened.rule.name,
        "rule_version": happened.version,
        "subject": happened.subject,
        "name": seen.name if seen else happened.subject,
        "state": told.phase,
        "reason": told.reason,
        "priority": happened.priority.value,
        "labels": happened.labels,
        "summary": happened.summary,
        "description": happened.description,
        "value": told.value,
        "started_at": told.started_at,
        "fired_at": told.fired_at,
        "observed_at": now,
    }
    new = insert_or(alerts).values(values)
    writing = new.on_conflict_do_update(
        index_elements=[alerts.c.id],
        set_={name: new.excluded[name] for name in values if name != "id"}
        | {"revision": alerts.c.revision + 1, "clear_since": None},
        where=and_(alerts.c.state == "pending", new.excluded.state == "firing"),
    ).returning(alerts)
    return await _row(connection, writing)


async def _raised(connection: AsyncConnection, happened: Happened, now: datetime) -> dict[str, Any] | None:
    raising = (
        update(alerts)
        .where(alerts.c.id == happened.change.state.id, _OPEN, alerts.c.priority != happened.priority.value)
        .values(
            priority=happened.priority.value,
            labels=happened.labels,
            summary=happened.summary,
            description=happened.description,
            value=happened.change.state.value,
            observed_at=now,
            revision=alerts.c.revision + 1,
        )
        .returning(alerts)
    )
    return await _row(connection, raising)


async def _over(connection: AsyncConnection, happened: Happened, now: datetime) -> dict[str, Any] | None:
    told = happened.change.state
    ending = (
        update(alerts)
        .where(alerts.c.id == told.id, _OPEN)
        .values(
            state="resolved",
            resolved_at=now,
            value=told.value,
            clear_since=told.clear_since,
            observed_at=now,
            revision=alerts.c.revision + 1,
        )
        .returning(alerts)
    )
    return await _row(connection, ending)


async def _row(connection: AsyncConnection, writing: Executable) -> dict[str, Any] | None:
    found = (await connection.execute(writing)).mappings().one_or_none()
    return dict(found) if found is not None else None


_WRITERS: Final = {"pending": _written, "firing": _written, "raised": _raised, "resolved": _over, "calmed": _over}
