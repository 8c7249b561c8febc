"""What is kept of the past: alerts that are over, what happened to them and what was told, for a time by setting.

Alerts that never fired are forgotten after a day, answers to the API's requests after a week.
"""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Column, ColumnElement, Table, and_, delete, or_, select
from sqlalchemy.ext.asyncio import AsyncEngine

from alerting.database import leading
from schema.tables import alert_events, alert_notices, alert_requests, alert_told, alerts, notifications
from urbanclear.logs import get_logger
from urbanclear.serving import stopped_within

EACH: Final = timedelta(hours=1)
AT_ONCE: Final = 2_000  # rows: a statement that others need not wait for
CALMED_KEPT: Final = timedelta(days=1)
REQUESTS_KEPT: Final = timedelta(days=7)

log = get_logger("alerting")


async def keep_forgetting(
    engine: AsyncEngine, epoch: int | None, kept: timedelta | None, stop: asyncio.Event
) -> None:
    """Forget once an hour until `stop` is set; `kept` is for how long alerts are kept, None for ever."""
    while not stop.is_set():
        count = await forget(engine, epoch, kept, datetime.now(UTC))
        if count:
            log.info("alerting.forgot", rows=count)
        await stopped_within(stop, EACH.total_seconds())


async def forget(engine: AsyncEngine, epoch: int | None, kept: timedelta | None, now: datetime) -> int:
    """Delete what is older than it is kept; returns how many rows that were."""
    total = 0
    for key, old in _old(now, kept):
        while count := await _delete_some(engine, epoch, key, old):
            total += count
    return total


def _old(now: datetime, kept: timedelta | None) -> Iterator[tuple[Column[str], ColumnElement[bool]]]:
    """Of each table the key, and which rows are old; what others refer to comes after them."""
    never_fired = and_(alerts.c.fired_at.is_(None), alerts.c.resolved_at < now - CALMED_KEPT)
    over = or_(never_fired, alerts.c.resolved_at < now - kept) if kept is not None else never_fired
    gone = select(alerts.c.id).where(over)
    yield alert_requests.c.id, alert_requests.c.requested_at < now - REQUESTS_KEPT
    if kept is not None:
        done = select(alert_notices.c.id).where(alert_notices.c.done_at < now - kept)
        yield notifications.c.id, and_(notifications.c.notice_id.in_(done), notifications.c.state != "waiting")
        told = select(notifications.c.notice_id).where(notifications.c.notice_id == alert_notices.c.id)
        yield alert_notices.c.id, and_(alert_notices.c.done_at < now - kept, ~told.exists())
    yield alert_events.c.alert_id, alert_events.c.alert_id.in_(gone)
    yield alert_told.c.alert_id, alert_told.c.alert_id.in_(gone)
    yield alerts.c.id, over


async def _delete_some(engine: AsyncEngine, epoch: int | None, key: Column[str], old: ColumnElement[bool]) -> int:
    table = key.table
    assert isinstance(table, Table)  # noqa: S101
    some = select(key).where(old).limit(AT_ONCE)
    async with leading(engine, epoch) as connection:
        return (await connection.execute(delete(table).where(key.in_(some)))).rowcount
