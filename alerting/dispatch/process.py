"""The loop of dispatch: tells what is due, and reminds of what is left."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from alerting.database import leading
from alerting.dispatch.notices import WAITING
from alerting.dispatch.reminders import remind
from alerting.dispatch.telling import tell_due
from alerting.metrics import ALERTS
from alerting.rulebook import Rulebook
from schema.alerting.words import Priority
from schema.tables import alert_notices, alerts

LEAST_PAUSE: Final = 0.05  # seconds
REMINDS_EACH: Final = timedelta(seconds=5)


@dataclass
class Dispatcher:
    """For the process that leads since `epoch`.

    `wake` is set when there is something to tell, `written` is called when there are notifications to
    deliver.
    """

    engine: AsyncEngine
    epoch: int | None
    book: Rulebook = field(default_factory=Rulebook)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    written: Callable[[], None] = lambda: None

    async def run(self, stop: asyncio.Event) -> None:
        """Tell and remind until `stop` is set; what the database raises is raised."""
        next_reminder = datetime.now(UTC)
        while not stop.is_set():
            now = datetime.now(UTC)
            if now >= next_reminder:
                await self.remind(now)
                next_reminder = now + REMINDS_EACH
            await self.tell(now)
            await self._wait(stop, min(next_reminder, await self._next_due() or next_reminder))

    async def tell(self, now: datetime) -> int:
        """Tell all notices that are due; how many."""
        count = 0
        while told := await self._tell_some(now):
            self.written()
            count += told
        return count

    async def remind(self, now: datetime) -> int:
        """Write the notices that nobody has written; how many groups they are of."""
        async with leading(self.engine, self.epoch) as connection:
            await self.book.refresh(connection)
            await _count(connection)
            return await remind(connection, self.book.policy, now)

    async def _tell_some(self, now: datetime) -> int:
        async with leading(self.engine, self.epoch) as connection:
            return await tell_due(connection, self.book, now)

    async def _next_due(self) -> datetime | None:
        """When the next notice is due; what is written before that sets `wake`."""
        due = select(func.min(alert_notices.c.due_at)).where(WAITING)
        async with self.engine.connect() as connection:
            found: datetime | None = await connection.scalar(due)
            return found

    async def _wait(self, stop: asyncio.Event, until: datetime) -> None:
        left = (until - datetime.now(UTC)).total_seconds()
        waiting = [asyncio.create_task(event.wait()) for event in (stop, self.wake)]
        await asyncio.wait(waiting, timeout=max(LEAST_PAUSE, left), return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        self.wake.clear()


async def _count(connection: AsyncConnection) -> None:
    """Tell the metrics how many alerts there are."""
    counted = select(alerts.c.state, alerts.c.priority, func.count()).where(alerts.c.state != "resolved")
    found = await connection.execute(counted.group_by(alerts.c.state, alerts.c.priority))
    known = {(state, priority): count for state, priority, count in found}
    for state, priority in product(("pending", "firing"), Priority):
        ALERTS.labels(state, priority).set(known.get((state, priority), 0))
