"""What people do about alerts. Each change is written in one transaction with what happened, from which the engine
tells Kafka, so that whoever watches live learns of it whichever process was asked."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from fastapi import HTTPException
from sqlalchemy import insert, null, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from api.access.store import Store
from api.resources.alerts.shapes import ALERT, HAPPENED
from schema.alerting.events import alert_event
from schema.tables import alert_events, alerts

Row = dict[str, Any]
#: The columns that change; None where all is as it is wanted already.
Wanted = Callable[[Row, datetime], Row | None]


class Changing:
    """Writes for whoever `actor` is. All methods raise 404 for an alert that there is not."""

    def __init__(self, store: Store, actor: str) -> None:
        self._store = store
        self._actor = actor

    async def acknowledge(self, alert: str) -> Row:
        """Say that somebody takes it on; who was first stays. Raises 409 where it is over."""

        def wanted(row: Row, now: datetime) -> Row | None:
            return None if row["acknowledged_at"] else {"acknowledged_at": now, "acknowledged_by": self._actor}

        return await self._change(alert, "acknowledged", wanted)

    async def unacknowledge(self, alert: str) -> Row:
        """Say that nobody does. Raises 409 where it is over."""

        def wanted(row: Row, _: datetime) -> Row | None:
            return {"acknowledged_at": None, "acknowledged_by": None} if row["acknowledged_at"] else None

        return await self._change(alert, "unacknowledged", wanted)

    async def assign(self, alert: str, assignee: str | None) -> Row:
        """Say whose it is. Raises 409 where it is over."""

        def wanted(row: Row, _: datetime) -> Row | None:
            return None if row["assignee"] == assignee else {"assignee": assignee}

        return await self._change(alert, "assigned", wanted, {"assignee": assignee})

    async def comment(self, alert: str, text: str) -> Row:
        """Add words to what happened, also once it is over."""
        async with self._store.transaction() as connection:
            row = await _locked(connection, alert)
            await _write(connection, row, {})
            event = await _note(connection, row, "commented", self._actor, datetime.now(UTC), {"text": text})
        return {told.name: event[told.name] for told in HAPPENED.fields}

    async def _change(self, alert: str, kind: str, wanted: Wanted, detail: Mapping[str, Any] | None = None) -> Row:
        async with self._store.transaction() as connection:
            row = await _locked(connection, alert)
            if row["state"] == "resolved":
                over = row["resolved_at"].isoformat(timespec="seconds")
                raise HTTPException(409, f"Alert {alert} is over since {over}: it can be commented, and no more.")
            now = datetime.now(UTC)
            changed = wanted(row, now)
            if changed is not None:
                row = await _write(connection, row, changed)
                event = msgspec.to_builtins(alert_event(row, now))
                await _note(connection, row, kind, self._actor, now, detail or {}, event)
            return dict((await connection.execute(ALERT.select().where(alerts.c.id == alert))).mappings().one())


async def _locked(connection: AsyncConnection, alert: str) -> Row:
    """Its row, which nobody else changes until the end of the transaction."""
    found = (await connection.execute(select(alerts).where(alerts.c.id == alert).with_for_update())).mappings()
    row = found.one_or_none()
    if row is None:
        raise HTTPException(404, missing(alert))
    return dict(row)


async def _write(connection: AsyncConnection, row: Row, changed: Row) -> Row:
    writing = update(alerts).where(alerts.c.id == row["id"]).values(**changed, revision=alerts.c.revision + 1)
    return dict((await connection.execute(writing.returning(alerts))).mappings().one())


async def _note(
    connection: AsyncConnection,
    row: Row,
    kind: str,
    actor: str,
    now: datetime,
    detail: Mapping[str, Any],
    event: Row | None = None,
) -> Row:
    values = {"alert_id": row["id"], "time": now, "kind": kind, "actor": actor, "detail": dict(detail)}
    writing = insert(alert_events).values(**values, event=null() if event is None else event).returning(alert_events)
    return dict((await connection.execute(writing)).mappings().one())


def missing(alert: str) -> str:
    """What is said of an alert that there is not."""
    return f"There is no alert {alert}: see /api/v1/alerts for those there are."
