"""Tells a notice that is due: what of it is still so becomes a message, each way to each contact a notification.

All of that is one transaction: a notice is told whole or not at all, and once. An alert that is muted by then is left
to the reminders, one that was over before anybody was told of it is not told.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final

import msgspec
from sqlalchemy import Row, Text, cast, insert, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as insert_or
from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.dispatch.mutes import Mutes
from alerting.dispatch.notices import WAITING, may_be_told
from alerting.dispatch.routes import Group, route_called
from alerting.message import Kind, Message, Told, told_of
from alerting.metrics import NOTICES
from alerting.rulebook import Rulebook
from alerting.store import note
from schema.alerting.routing import Channel, Contact, Route
from schema.alerting.words import Priority
from schema.tables import alert_notices, alert_told, alerts, notifications

AT_ONCE: Final = 50  # notices in one transaction


async def tell_due(connection: AsyncConnection, book: Rulebook, now: datetime) -> int:
    """Tell notices that are due, those that have been for longest; how many there were, up to `AT_ONCE`."""
    due = (
        select(alert_notices)
        .where(WAITING, alert_notices.c.due_at <= now)
        .order_by(alert_notices.c.due_at)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    notices = (await connection.execute(due)).all()
    if notices:
        mutes = await Mutes.at(connection, book.policy.inhibitions, now)
        for notice in notices:
            await _tell_or_postpone(connection, book, mutes, notice, now)
    return len(notices)


async def _tell_or_postpone(
    connection: AsyncConnection, book: Rulebook, mutes: Mutes, notice: Row[Any], now: datetime
) -> None:
    """Something else of its group may have been told since it was planned."""
    route = route_called(book.policy, notice.route)
    group = Group(notice.route, notice.step, notice.group_key, notice.group_labels)
    changing = update(alert_notices).where(alert_notices.c.id == notice.id)
    soonest = await may_be_told(connection, route, group)
    if soonest > now:
        await connection.execute(changing.values(due_at=soonest))
        return
    outcome, message = await _tell(connection, book, mutes, route, notice, now)
    document = {"document": msgspec.to_builtins(message)} if message else {}
    await connection.execute(changing.values(done_at=now, outcome=outcome, **document))
    NOTICES.labels(outcome).inc()


async def _tell(
    connection: AsyncConnection, book: Rulebook, mutes: Mutes, route: Route, notice: Row[Any], now: datetime
) -> tuple[str, Message | None]:
    rows, told = await _alerts(connection, notice.alert_ids), await _told(connection, notice)
    known = any(one.name == route.name for one in book.policy.routes) and notice.step <= len(route.escalate)
    wanted = []
    for row in rows:
        why = mutes.why(row.id, row.labels) if row.state == "firing" else None
        if why is not None:
            await note(connection, dict(row._mapping), "muted", now, detail=why)
        elif (row.state == "firing" and known) or (row.state == "resolved" and told.get(row.id) == "firing"):
            wanted.append(row)
    if not wanted:
        return "muted", None
    message = _message(notice, wanted, told, now)
    if message.status == "resolved":
        names: Sequence[str] = await _those_told(connection, notice, [row.id for row in wanted])
    else:
        names = route.escalate[notice.step - 1].contacts if notice.step else route.contacts
    count = await _notify(connection, book, names, message, now)
    await _remember(connection, notice, wanted, now)
    if not count:
        return "nobody", message
    for row in wanted:
        detail = {"notice": notice.id, "notifications": count, "route": route.name}
        await note(connection, dict(row._mapping), "escalated" if notice.step else "notified", now, detail=detail)
    return "told", message


async def _alerts(connection: AsyncConnection, ids: Sequence[str]) -> Sequence[Row[Any]]:
    return (await connection.execute(select(alerts).where(alerts.c.id.in_(ids)))).all()


async def _told(connection: AsyncConnection, notice: Row[Any]) -> dict[str, str]:
    """The state in which each alert was last told in this route and step."""
    found = select(alert_told.c.alert_id, alert_told.c.state).where(
        alert_told.c.alert_id.in_(notice.alert_ids),
        alert_told.c.route == notice.route,
        alert_told.c.step == notice.step,
    )
    return {row.alert_id: row.state for row in await connection.execute(found)}


def _message(notice: Row[Any], rows: Sequence[Row[Any]], told: Mapping[str, str], now: datetime) -> Message:
    said = sorted((_said(row) for row in rows), key=lambda alert: (-alert.priority.rank, alert.started_at, alert.id))
    firing = [alert for alert in said if alert.state == "firing"]
    kind: Kind = "alert"
    if notice.step:
        kind = "escalation"
    elif firing and all(told.get(alert.id) == "firing" for alert in firing):
        kind = "repeat"
    return Message(
        id=notice.id,
        kind=kind,
        status="firing" if firing else "resolved",
        priority=(firing or said)[0].priority,
        route=notice.route,
        group=notice.group_labels,
        alerts=said,
        made_at=now,
        step=notice.step,
    )


def _said(row: Row[Any]) -> Told:
    sensor = row.labels.get("sensor")
    return told_of(dict(row._mapping), sensor if isinstance(sensor, str) else (sensor[0] if sensor else None))


@dataclass(frozen=True)
class _Address:
    contact: Contact
    number: int
    channel: Channel


async def _those_told(connection: AsyncConnection, notice: Row[Any], ids: Sequence[str]) -> list[str]:
    """The contacts that were told of any of the alerts, whatever the policy says by now."""
    told = (
        select(notifications.c.contact)
        .distinct()
        .join(alert_notices, alert_notices.c.id == notifications.c.notice_id)
        .where(
            alert_notices.c.alert_ids.op("&&")(cast(ids, ARRAY(Text))),
            alert_notices.c.route == notice.route,
            alert_notices.c.step == notice.step,
        )
    )
    return list(await connection.scalars(told.order_by(notifications.c.contact)))


async def _notify(
    connection: AsyncConnection, book: Rulebook, names: Sequence[str], message: Message, now: datetime
) -> int:
    """Write the notifications; how many there are."""
    rows = [
        {
            "id": _key(message.id, address),
            "notice_id": message.id,
            "contact": address.contact.name,
            "channel": address.channel.document(),
            "kind": address.channel.kind,
            "destination": address.channel.destination,
            "priority": message.priority.value,
            "next_at": _not_before(address.contact, message.priority, now),
        }
        for address in _addresses(book, names, message)
    ]
    if rows:
        await connection.execute(insert(notifications), rows)
    return len(rows)


def _addresses(book: Rulebook, names: Sequence[str], message: Message) -> Iterator[_Address]:
    for name in dict.fromkeys(names):
        contact = book.contacts.get(name)
        if contact is None:
            continue  # said when the policy was read
        for number, channel in enumerate(contact.channels):
            urgent = message.priority.rank >= channel.least.rank
            if urgent and (message.status == "firing" or channel.send_resolved):
                yield _Address(contact, number, channel)


def _key(notice: str, address: _Address) -> str:
    parts = (notice, address.contact.name, str(address.number))
    return blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()


def _not_before(contact: Contact, priority: Priority, now: datetime) -> datetime:
    """When a contact may be told: at the end of quiet hours, unless it is urgent enough."""
    ends = [quiet.end_after(now) for quiet in contact.quiet if priority.rank < quiet.unless.rank]
    return max((end for end in ends if end is not None), default=now)


async def _remember(connection: AsyncConnection, notice: Row[Any], rows: Sequence[Row[Any]], now: datetime) -> None:
    values = [
        {
            "alert_id": row.id,
            "route": notice.route,
            "step": notice.step,
            "state": row.state,
            "first_at": now,
            "told_at": now,
            "group_key": notice.group_key,
        }
        for row in rows
    ]
    new = insert_or(alert_told)
    changed = {name: new.excluded[name] for name in ("state", "told_at", "group_key")}
    key = [alert_told.c.alert_id, alert_told.c.route, alert_told.c.step]
    await connection.execute(new.on_conflict_do_update(index_elements=key, set_=changed), values)
