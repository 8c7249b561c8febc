"""Tell people of something for which there is no rule: an incident, or whatever else a program has to say.

    from alerting import notifications

    await notifications.send_incident_alert({"id": "ops:1", "time": "2026-11-29T10:00:00Z", "status": "reported",
        "kind": "collision", "severity": "high", "started_at": "2026-11-29T09:58:00Z", "road": "Broadway"})

It is written into the outbox in one transaction, and an alerting process that runs delivers it.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from alerting.dispatch.routes import DIRECT
from alerting.message import Message, Told
from alerting.templates.view import line
from schema.alerting.definitions import current, kept
from schema.alerting.routing import Channel, Contact
from schema.alerting.words import Priority
from schema.database import APPLICATION, PATIENCE, database_url, problem_of, sqlalchemy_url
from schema.events import Incident, decode
from schema.tables import alert_notices, notifications
from urbanclear.errors import ConfigurationError, InvalidEvent, StartError
from urbanclear.settings import Settings, get_settings

INCIDENT: Final = "incident"


async def send_incident_alert(
    incident: Mapping[str, Any], contacts: Sequence[str] | None = None, *, settings: Settings | None = None
) -> list[str]:
    """Tell `contacts`, or all whose channels take its severity, of an incident as in `schema.events.Incident`.

    Returns the keys of the notifications. The same state of an incident is told once: a second call returns the keys
    of the first. Raises `ConfigurationError` for what is no incident and for contacts that there are not, and
    `StartError` when the database is away.
    """
    found = _incident(incident)
    return await _told(_about(found), f"{INCIDENT}:{found.id}", contacts, settings)


async def send_alert(
    alert: Mapping[str, Any], contacts: Sequence[str] | None = None, *, settings: Settings | None = None
) -> list[str]:
    """As `send_incident_alert`, of anything: `id`, `summary`, `priority` and what else `alerting.message.Told` has.

    The same alert is told once; a second with the same `id` and `state: resolved` is the end of the first.
    """
    now = datetime.now(UTC)
    defaults = {"rule": DIRECT, "subject": alert.get("id"), "name": alert.get("summary"), "state": "firing"}
    try:
        told = msgspec.convert({**defaults, "started_at": now, **alert}, Told)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"That is no alert: {error}.") from None
    return await _told(told, f"{DIRECT}:{told.id}", contacts, settings, stable=sorted(alert.items(), key=str))


def _incident(given: Mapping[str, Any]) -> Incident:
    try:
        return decode(Incident, msgspec.json.encode(dict(given)))
    except (InvalidEvent, TypeError) as error:
        raise ConfigurationError(f"That is no incident: {error}.") from None


def _about(incident: Incident) -> Told:
    kind = incident.kind.replace("_", " ").capitalize()
    place = " in ".join(part for part in (incident.road, incident.area) if part)
    labels: dict[str, str | list[str]] = {"incident": incident.id, "type": incident.kind}
    labels |= {name: value for name, value in (("area", incident.area), ("road", incident.road)) if value}
    if incident.sensors:
        labels["sensor"] = list(incident.sensors)
    cleared = incident.status == "cleared"
    return Told(
        id=f"{INCIDENT}:{incident.id}",
        rule=INCIDENT,
        subject=incident.id,
        name=line(place or incident.id),
        state="resolved" if cleared else "firing",
        priority=Priority(incident.severity),
        summary=line(f"{kind}: {place}" if place else f"{kind}: {incident.description or incident.id}"),
        description=incident.description,
        started_at=incident.started_at,
        fired_at=incident.started_at,
        resolved_at=incident.time if cleared else None,
        labels=labels,
        sensor=incident.sensors[0] if incident.sensors else None,
    )


async def _told(
    told: Told,
    group: str,
    contacts: Sequence[str] | None,
    settings: Settings | None,
    *,
    stable: object = None,
) -> list[str]:
    """Write the notice of `told` and its notifications; `stable` is what makes two the same, where `told` is not."""
    settings = settings or get_settings()
    digest = hashlib.sha256(repr(stable).encode() if stable is not None else msgspec.json.encode(told)).hexdigest()
    message = Message(
        id=f"{DIRECT}-{digest[:32]}",
        kind="direct",
        status=told.state,
        priority=told.priority,
        route=DIRECT,
        group={},
        alerts=[told],
        made_at=datetime.now(UTC),
    )
    engine = create_async_engine(
        sqlalchemy_url(database_url(settings)), connect_args={"application_name": APPLICATION, **PATIENCE}
    )
    try:
        async with engine.begin() as connection:
            receivers = list(_receivers(await _contacts(connection, contacts), message, named=contacts is not None))
            return await _write(connection, message, group, receivers)
    except DBAPIError as error:
        raise StartError(f"The database cannot take it: {problem_of(error.orig)}.") from error
    finally:
        await engine.dispose()


async def _contacts(connection: AsyncConnection, names: Sequence[str] | None) -> list[Contact]:
    rows = (await connection.execute(current("contact"))).mappings()
    known = {row["name"]: kept(dict(row), Contact).definition for row in rows}
    if names is None:
        return list(known.values())
    if missing := [name for name in names if name not in known]:
        raise ConfigurationError(
            f"There is no contact {', '.join(missing)}: known are {', '.join(sorted(known)) or 'none'}."
        )
    return [known[name] for name in dict.fromkeys(names)]


def _receivers(contacts: Iterable[Contact], message: Message, *, named: bool) -> Iterable[tuple[Contact, Channel]]:
    """Channels that take a message of this priority; where the contact was named, all that it has."""
    for contact in contacts:
        for channel in contact.channels:
            if not named and message.priority.rank < channel.least.rank:
                continue
            if message.status == "resolved" and not channel.send_resolved:
                continue
            yield contact, channel


async def _write(
    connection: AsyncConnection, message: Message, group: str, receivers: Sequence[tuple[Contact, Channel]]
) -> list[str]:
    notice = {
        "id": message.id,
        "route": DIRECT,
        "step": 0,
        "group_key": group,
        "group_labels": {},
        "alert_ids": [told.id for told in message.alerts],
        "document": msgspec.to_builtins(message),
        "due_at": message.made_at,
        "done_at": message.made_at,
        "outcome": "told",
    }
    await connection.execute(insert(alert_notices).on_conflict_do_nothing(), notice)
    rows = [_row(message, contact, channel) for contact, channel in receivers]
    if rows:
        await connection.execute(insert(notifications).on_conflict_do_nothing(), rows)
    return [str(row["id"]) for row in rows]


def _row(message: Message, contact: Contact, channel: Channel) -> dict[str, Any]:
    whither = hashlib.sha256(f"{channel.kind}\0{channel.destination}".encode()).hexdigest()[:8]
    return {
        "id": f"{message.id}-{contact.name}-{whither}",
        "notice_id": message.id,
        "contact": contact.name,
        "channel": channel.document(),
        "kind": channel.kind,
        "destination": channel.destination,
        "priority": str(message.priority),
        "next_at": _not_before(contact, message),
    }


def _not_before(contact: Contact, message: Message) -> datetime:
    """Now, or when the contact's quiet hours end."""
    ends = [
        end
        for quiet in contact.quiet
        if message.priority.rank < quiet.unless.rank and (end := quiet.end_after(message.made_at)) is not None
    ]
    return max(ends, default=message.made_at)
