"""What a rule's alert would look like on a channel: its newest alert, or one that is made up and says so."""

from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from alerting.channels.contract import Outgoing, Preview
from alerting.channels.registry import open_senders
from alerting.conditions import Context
from alerting.made_up import made_up
from alerting.message import Message, Told, told_of
from alerting.templates import About, fill
from schema.alerting.addresses import ChannelKind
from schema.alerting.definitions import current, kept
from schema.alerting.routing import Channel
from schema.alerting.rules import Rule
from schema.alerting.words import Priority
from schema.database import APPLICATION, PATIENCE, database_url, problem_of, sqlalchemy_url
from schema.tables import alerts, sensors
from urbanclear.errors import ConfigurationError, StartError
from urbanclear.settings import Settings

_NOWHERE: Final = {
    "email": "nobody@example.invalid",
    "slack": "https://example.invalid/",
    "webhook": "https://example.invalid/",
    "sms": "twilio://",
    "push": "ntfy://",
}


async def preview_of(rule: str, kind: ChannelKind, settings: Settings) -> tuple[Preview, bool]:
    """The preview, and whether its alert is made up. Raises `ConfigurationError` where there is no such rule, and
    `StartError` while the database is away."""
    engine = create_async_engine(
        sqlalchemy_url(database_url(settings)), connect_args={"application_name": APPLICATION, **PATIENCE}
    )
    try:
        async with engine.connect() as connection:
            real = await _newest(connection, rule)
            told = real or await _made_up(connection, rule, settings)
        async with open_senders(settings, engine) as senders:
            channel = Channel(kind=kind, to=_NOWHERE[kind])
            outgoing = Outgoing("preview", "preview", channel, _message(told))
            return await senders[kind].preview(outgoing), real is None
    except DBAPIError as error:
        raise StartError(f"The database cannot be asked: {problem_of(error.orig)}.") from error
    finally:
        await engine.dispose()


def _message(told: Told) -> Message:
    return Message(
        id="preview",
        kind="alert",
        status=told.state,
        priority=told.priority,
        route="preview",
        group={},
        alerts=[told],
        made_at=told.resolved_at or datetime.now(UTC),
    )


async def _newest(connection: AsyncConnection, rule: str) -> Told | None:
    asked = select(alerts).where(alerts.c.rule == rule, alerts.c.fired_at.is_not(None))
    row = (await connection.execute(asked.order_by(alerts.c.started_at.desc()).limit(1))).mappings().first()
    if row is None:
        return None
    return told_of(dict(row), await _sensor(connection, row["subject"], row["labels"]))


async def _sensor(connection: AsyncConnection, subject: str, labels: dict[str, Any]) -> str | None:
    """The alert's sensor, where it is about one."""
    named = labels.get("sensor")
    wanted = [subject, named if isinstance(named, str) else next(iter(named or []), "")]
    asked = select(sensors.c.external_id).where(sensors.c.external_id.in_(wanted)).limit(1)
    found: str | None = await connection.scalar(asked)
    return found


async def _made_up(connection: AsyncConnection, name: str, settings: Settings) -> Told:
    row = (await connection.execute(current("rule", name))).mappings().first()
    if row is None:
        names = [known["name"] for known in (await connection.execute(current("rule"))).mappings()]
        raise ConfigurationError(f"There is no rule called {name!r}: known are {', '.join(names) or 'none'}.")
    rule = kept(dict(row), Rule).definition
    now = datetime.now(UTC)
    seen = await made_up(connection, rule, Context.of(settings, now))
    labels = {**seen.labels, **rule.labels}
    severity = seen.priority or Priority.HIGH
    priority = severity if rule.priority == "by_severity" else rule.priority
    context: About = {
        "name": seen.name,
        "subject": seen.subject,
        "value": seen.value,
        "labels": labels,
        "priority": priority.value,
        "reason": "value",
        "started_at": now,
    }
    return Told(
        id="preview",
        rule=name,
        subject=seen.subject,
        name=seen.name,
        state="firing",
        priority=priority,
        summary=f"(made up) {fill(rule.title, context)}",
        description=fill(rule.description, context),
        started_at=now,
        fired_at=now,
        labels=labels,
        value=seen.value,
        runbook=rule.runbook,
        sensor=await _sensor(connection, seen.subject, labels),
    )
