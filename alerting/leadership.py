"""Which of several alerting processes leads: the one that renews its row in the database.

Each leader has an epoch of its own. It renews its lease every second, by the database's clock; one that has not for
`LEASE` is taken over from, whether it was killed, paused or cut off, and what it still writes afterwards is refused,
since its epoch has passed (`alerting.database.leading`). One that stops gives its lease back.
"""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Final

from sqlalchemy import func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from alerting.metrics import LEADS
from schema.heartbeat import instance_name
from schema.tables import alert_leader
from urbanclear.errors import LeadershipLost
from urbanclear.logs import get_logger
from urbanclear.serving import stopped_within

LEASE: Final = timedelta(seconds=6)
RENEWED_EACH: Final = 1.0  # seconds; the others look as often
_NOW: Final = func.clock_timestamp()
_ENDED: Final = text("'-infinity'::timestamptz")

log = get_logger("alerting")


async def take_lead(engine: AsyncEngine, instance: str) -> int | None:
    """The epoch from now on, or None while another process leads. One that led and lost its way may go on at once."""
    values = {"instance": instance, "since": _NOW, "renewed_at": _NOW}
    taking = (
        insert(alert_leader)
        .values(single=True, epoch=1, **values)
        .on_conflict_do_update(
            index_elements=[alert_leader.c.single],
            set_={"epoch": alert_leader.c.epoch + 1, **values},
            where=or_(alert_leader.c.renewed_at < _NOW - LEASE, alert_leader.c.instance == instance),
        )
        .returning(alert_leader.c.epoch)
    )
    async with engine.begin() as connection:
        epoch: int | None = await connection.scalar(taking)
        return epoch


async def renew(engine: AsyncEngine, epoch: int) -> None:
    """Go on leading; raises `LeadershipLost` where another process took over."""
    renewing = update(alert_leader).where(alert_leader.c.epoch == epoch).values(renewed_at=_NOW)
    async with engine.begin() as connection:
        if (await connection.execute(renewing)).rowcount == 0:
            raise LeadershipLost("Another alerting process leads now.")


async def give_back(engine: AsyncEngine, epoch: int) -> None:
    """Let another process lead at once."""
    ending = update(alert_leader).where(alert_leader.c.epoch == epoch).values(renewed_at=_ENDED)
    async with engine.begin() as connection:
        await connection.execute(ending)


async def leader(engine: AsyncEngine) -> str | None:
    """The instance that leads; None where none does."""
    alive = alert_leader.c.renewed_at >= _NOW - LEASE
    async with engine.connect() as connection:
        found: str | None = await connection.scalar(select(alert_leader.c.instance).where(alive))
        return found


async def lead(
    engine: AsyncEngine,
    work: Callable[[int, asyncio.Event], Coroutine[object, object, None]],
    stop: asyncio.Event,
    instance: str | None = None,
) -> None:
    """Wait until this process leads, and do `work` while it does; until `stop` is set, or another takes over.

    `work` is given the epoch, and an event that is set when it has to end; what it raises is raised in a group.
    """
    while (epoch := await take_lead(engine, instance or instance_name())) is None:
        if await stopped_within(stop, RENEWED_EACH):
            return
    log.info("alerting.leads", epoch=epoch)
    LEADS.set(1)
    ending = asyncio.Event()
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_keep(engine, epoch, stop, ending))
            tasks.create_task(work(epoch, ending))
    except* LeadershipLost:
        log.warning("alerting.superseded", epoch=epoch)
    finally:
        LEADS.set(0)
    if stop.is_set():
        await give_back(engine, epoch)


async def _keep(engine: AsyncEngine, epoch: int, stop: asyncio.Event, ending: asyncio.Event) -> None:
    """Renew the lease until `stop` is set; then `work` has to end, while the lease is still held."""
    try:
        while not await stopped_within(stop, RENEWED_EACH):
            async with asyncio.timeout(LEASE.total_seconds()):
                await renew(engine, epoch)
    finally:
        ending.set()
