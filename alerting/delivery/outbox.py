"""The outbox in the database: what is due is claimed, and what came of it is noted with the log in one transaction.

With an epoch both go through only while the process that has it leads: the row of `alert_leader` is held for the
length of the transaction, so that who was replaced cannot note or take anything any more.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any, Final

import msgspec
from pydantic import ValidationError
from sqlalchemy import TextClause, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from alerting.channels.contract import Reference
from alerting.database import require_lead
from alerting.delivery.log_room import LogRoom
from alerting.message import Message
from schema.alerting.routing import Channel
from schema.alerting.words import KEPT
from schema.tables import alert_notices, alerts, notification_log, notifications

_KEPT_MESSAGES: Final = 500
_BEHIND_SECONDS: Final = 1.0


@dataclass(frozen=True)
class Due:
    """A notification that was claimed; `message` and `channel` are None where this release cannot read them.

    `obsolete`: why nobody is to be told of it any more. `behind_s`: for how long to wait for one that has to come
    before it.
    """

    id: str
    notice_id: str
    contact: str
    kind: str
    destination: str
    attempts: int
    created_at: datetime
    channel: Channel | None
    message: Message | None
    reference: Reference | None = None
    obsolete: str | None = None
    behind_s: float | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of one. `logged` is how the log calls an attempt, None where there was none."""

    due: Due
    state: str
    attempts: int
    time: datetime
    wait_s: float | None = None
    error: str | None = None
    reference: Reference | None = None
    logged: str | None = None


@dataclass(frozen=True)
class Room:
    """What may be claimed: `allowed` by kind, none of the lines in `full`, of one destination at most `of_one`."""

    most: int
    of_one: int
    lease_s: float
    allowed: Mapping[str, int]
    shared: Collection[str]
    full: Collection[str]
    in_hand: Collection[str]


class Outbox:
    """Raises `LeadershipLost` where `epoch` is not the one that leads."""

    def __init__(self, engine: AsyncEngine, log: LogRoom, epoch: int | None) -> None:
        self._engine = engine
        self._log = log
        self._epoch = epoch
        self._messages: dict[str, Message | None] = {}

    async def free(self) -> None:
        """Make due at once what leaders before this one had in hand."""
        if self._epoch is None:
            return
        held = notifications.c.taken_by
        statement = update(notifications).where(notifications.c.state == "waiting", held < self._epoch)
        async with self._engine.begin() as connection:
            await require_lead(connection, self._epoch)
            await connection.execute(statement.values(taken_by=None, next_at=func.now()))

    async def claim(self, room: Room, held: float) -> list[Due]:
        """What is due and has room, the most urgent first; `held` s is how long one has waited that was held back."""
        values = {
            "most": room.most,
            "of_one": room.of_one,
            "lease_s": room.lease_s,
            "kinds": list(room.allowed),
            "allowed": list(room.allowed.values()),
            "shared": list(room.shared),
            "full": list(room.full),
            "in_hand": list(room.in_hand),
            "epoch": self._epoch,
        }
        async with self._engine.begin() as connection:
            await require_lead(connection, self._epoch)
            rows = (await connection.execute(_sql("claim"), values)).mappings().all()
            await self._learn(connection, {row["notice_id"] for row in rows})
            due = [self._due(dict(row)) for row in rows]
            due = await self._over(connection, due, held)
            return await self._after_earlier(connection, due, set(room.in_hand) | {one.id for one in due})

    async def finish(self, outcomes: Sequence[Outcome]) -> None:
        """Note what came of each, and the attempts in the log."""
        values = {
            "ids": [outcome.due.id for outcome in outcomes],
            "states": [outcome.state for outcome in outcomes],
            "attempts": [outcome.attempts for outcome in outcomes],
            "waits": [outcome.wait_s for outcome in outcomes],
            "times": [outcome.time for outcome in outcomes],
            "errors": [outcome.error for outcome in outcomes],
            "references": [json.dumps(dict(one.reference)) if one.reference else None for one in outcomes],
        }
        log = [_logged(outcome) for outcome in outcomes if outcome.logged is not None]
        await self._log.ensure([attempt["time"] for attempt in log])
        async with self._engine.begin() as connection:
            await require_lead(connection, self._epoch)
            await connection.execute(_sql("finish"), values)
            if log:
                await connection.execute(insert(notification_log), log)

    async def count(self) -> tuple[Mapping[str, int], Mapping[str, int], float]:
        """How many wait and how many were given up, by channel, and how many seconds the oldest is late."""
        counted = (
            select(notifications.c.kind, notifications.c.state, func.count())
            .where(notifications.c.state.in_(["waiting", "given_up"]))
            .group_by(notifications.c.kind, notifications.c.state)
        )
        late = select(func.extract("epoch", func.now() - func.min(notifications.c.next_at))).where(
            notifications.c.state == "waiting"
        )
        async with self._engine.connect() as connection:
            rows = (await connection.execute(counted)).all()
            oldest = await connection.scalar(late)
        by_state = {state: {row[0]: row[2] for row in rows if row[1] == state} for state in ("waiting", "given_up")}
        return by_state["waiting"], by_state["given_up"], max(0.0, float(oldest or 0))

    async def _learn(self, connection: AsyncConnection, notices: Collection[str]) -> None:
        """Read the messages of `notices` that are not known yet."""
        if len(self._messages) > _KEPT_MESSAGES:
            self._messages.clear()
        unknown = [notice for notice in notices if notice not in self._messages]
        if unknown:
            asked = select(alert_notices.c.id, alert_notices.c.document).where(alert_notices.c.id.in_(unknown))
            for row in await connection.execute(asked):
                self._messages[row.id] = _message(row.document)

    def _due(self, row: Mapping[str, Any]) -> Due:
        return Due(
            id=row["id"],
            notice_id=row["notice_id"],
            contact=row["contact"],
            kind=row["kind"],
            destination=row["destination"],
            attempts=row["attempts"],
            created_at=row["created_at"],
            channel=_channel(row["channel"]),
            message=self._messages.get(row["notice_id"]),
        )

    async def _over(self, connection: AsyncConnection, due: list[Due], held: float) -> list[Due]:
        """Marks what was held back, by quiet hours or a rate, until all its alerts were over."""
        asked = [one for one in due if one.attempts == 0 and _fires(one)]
        if not asked:
            return due
        notices = {one.notice_id: [told.id for told in one.message.alerts] for one in asked if one.message}
        waited = {one.id for one in asked}
        ids = {alert for of_notice in notices.values() for alert in of_notice}
        resolved = select(alerts.c.id).where(alerts.c.id.in_(ids), alerts.c.state == "resolved")
        over = set(await connection.scalars(resolved))
        now = (await connection.execute(select(func.now()))).scalar_one()
        return [
            replace(one, obsolete="over before it could be told")
            if one.id in waited
            and over.issuperset(notices[one.notice_id])
            and (now - one.created_at).total_seconds() > held
            else one
            for one in due
        ]

    async def _after_earlier(self, connection: AsyncConnection, due: list[Due], in_hand: set[str]) -> list[Due]:
        """Gives what ends alerts the reference of what told of them, or marks it where nobody was told."""
        ending = [one.id for one in due if one.message is not None and one.message.status == "resolved"]
        if not ending:
            return due
        asked = set(ending)
        before: dict[str, list[Mapping[str, Any]]] = {}
        for row in (await connection.execute(_sql("earlier"), {"ids": ending})).mappings():
            before.setdefault(row["id"], []).append(dict(row))
        return [_ordered(one, before.get(one.id, []), in_hand) if one.id in asked else one for one in due]


def _ordered(one: Due, before: list[Mapping[str, Any]], in_hand: set[str]) -> Due:
    waits = [
        _BEHIND_SECONDS + (0.0 if row["earlier_id"] in in_hand else max(0.0, float(row["due_in_s"])))
        for row in before
        if row["state"] == "waiting"
    ]
    if waits:
        return replace(one, behind_s=min(waits))
    if not before:
        direct = one.message is not None and one.message.kind == "direct"
        return one if direct else replace(one, obsolete="nobody was told that it began")
    return replace(one, reference=before[-1]["reference"])


def _fires(one: Due) -> bool:
    return one.message is not None and one.message.status == "firing" and one.message.kind != "direct"


def _logged(outcome: Outcome) -> dict[str, Any]:
    due = outcome.due
    return {
        "id": due.id,
        "time": outcome.time,
        "channel": due.kind,
        "recipient": due.destination,
        "alert_id": due.message.alerts[0].id if due.message and due.message.alerts else None,
        "outcome": outcome.logged,
        "detail": outcome.error,
    }


def _message(document: object) -> Message | None:
    try:
        return msgspec.convert(document, Message)
    except msgspec.ValidationError:
        return None


def _channel(document: object) -> Channel | None:
    try:
        return Channel.model_validate(document, context=KEPT)
    except ValidationError:
        return None


@cache
def _sql(name: str) -> TextClause:
    return text(files("alerting.delivery").joinpath(f"{name}.sql").read_text())
