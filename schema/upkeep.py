"""What keeps the time series in order while the stack runs: one task in each ingest process, of which one leads.

    every 10 s   rollups brought up to what was written          (plain PostgreSQL; TimescaleDB has jobs for it)
                 incidents put on the sensors they are at        (both)
    every 60 s   partitions ahead, expired ones dropped          (plain PostgreSQL)
                 expired rows of the audit log deleted           (both)
                 daily metrics of days that changed              (both)
                 scores of forecasts, by hours that changed      (both)
                 status for Prometheus                           (both)
    every hour   the calendar, by the settings                   (both)

Each task's last run is in the table `upkeep`; one that fails is tried again at its next turn.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import psycopg
from psycopg import AsyncConnection
from sqlalchemy.exc import DBAPIError

from schema import metrics
from schema.batch_runs import batch_jobs
from schema.calendar import write_calendar
from schema.chunks import Chunks
from schema.database import APPLICATION, database_url
from schema.engines import Engine, engine_of
from schema.incident_places import Placing
from schema.measures import compute_changed_days
from schema.measures.forecasts import score_forecasts, skill_of_last_day
from schema.retention import Retention
from schema.status import series_status
from schema.tables import TIME_SERIES
from urbanclear.errors import UrbanclearError
from urbanclear.logs import get_logger
from urbanclear.settings import Settings

log = get_logger("upkeep")

REFRESH_SECONDS: Final = 10.0
ROUND_SECONDS: Final = 60.0
CALENDAR_SECONDS: Final = 3_600.0
RETRY_SECONDS: Final = 5.0
LEAD_SECONDS: Final = 1.0
AHEAD: Final = 2  # partitions made ahead of the one in use
_LEAD = 0x75726263_75706B65  # an arbitrary key of our own for pg_advisory_lock

_NOTE = """
    INSERT INTO upkeep AS u (task, last_run, last_success, seconds, runs, failures, error)
    VALUES (%(task)s, now(), CASE WHEN %(error)s::text IS NULL THEN now() END, %(seconds)s, 1,
            (%(error)s::text IS NOT NULL)::int, %(error)s)
    ON CONFLICT (task) DO UPDATE SET
        last_run = excluded.last_run, last_success = coalesce(excluded.last_success, u.last_success),
        seconds = excluded.seconds, runs = u.runs + 1, failures = u.failures + excluded.failures,
        error = excluded.error
"""


@dataclass(frozen=True)
class Task:
    """Something done again `seconds` after it was done."""

    name: str
    seconds: float
    action: Callable[[AsyncConnection], Awaitable[object]]


class Upkeep:
    """`run` until told to stop; any number may run against one database."""

    def __init__(self, settings: Settings) -> None:
        self._url = database_url(settings)
        self._settings = settings
        self._retention = Retention.of(settings)

    async def run(self, stop: asyncio.Event) -> None:
        """Wait for the lead, then do what is due; the database away is waited for. `stop` cancels what runs."""
        working, stopping = asyncio.create_task(self._work()), asyncio.create_task(stop.wait())
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            await working
        for task in (working, stopping):
            task.cancel()
        await asyncio.gather(working, stopping, return_exceptions=True)

    async def once(self) -> None:
        """Do every task now, whoever leads; raises what fails."""
        async with await self._connect() as connection:
            for task in self._tasks(await self._engine()):
                await task.action(connection)

    async def _work(self) -> None:
        while True:
            try:
                await self._lead()
            except* (psycopg.OperationalError, psycopg.InterfaceError, DBAPIError) as problems:
                log.warning("upkeep.database_away", error=str(problems.exceptions[0]), retry_in_s=RETRY_SECONDS)
                await asyncio.sleep(RETRY_SECONDS)

    async def _lead(self) -> None:
        """Take the lead, then repeat every task on a connection of its own, so that none waits for another."""
        tasks = self._tasks(await self._engine())
        async with await self._connect() as connection, asyncio.TaskGroup() as group:
            while not await _takes_lead(connection):  # noqa: ASYNC110 - another process has it
                await asyncio.sleep(LEAD_SECONDS)
            for task in tasks:
                group.create_task(self._repeat(task))
            while True:  # the lead is lost with its connection
                await connection.execute("SELECT")
                await asyncio.sleep(LEAD_SECONDS)

    async def _repeat(self, task: Task) -> None:
        async with await self._connect() as connection:
            while True:
                await _do(connection, task)
                await asyncio.sleep(task.seconds)

    def _tasks(self, engine: Engine) -> list[Task]:
        chunks = Chunks(engine)
        settings, retention = self._settings, self._retention

        async def make_ahead(connection: AsyncConnection) -> None:
            for table, width in TIME_SERIES.items():
                now = datetime.now(UTC)
                await chunks.ensure(connection, table, [now + number * width for number in range(AHEAD + 1)])

        async def retire(connection: AsyncConnection) -> None:
            await engine.retire(connection, retention)
            if settings.audit_retention is not None:
                oldest = datetime.now(UTC) - settings.audit_retention
                await connection.execute("DELETE FROM audit_log WHERE time < %s", [oldest])

        async def observe(connection: AsyncConnection) -> None:
            metrics.observe(await series_status(connection, engine))
            metrics.observe_batches(await batch_jobs(connection))

        async def score(connection: AsyncConnection) -> None:
            await score_forecasts(connection, settings)
            metrics.observe_forecasts(await skill_of_last_day(connection))

        return [
            Task("refresh", REFRESH_SECONDS, lambda connection: engine.refresh(connection, retention)),
            Task("places", REFRESH_SECONDS, Placing().place),
            Task("partitions", ROUND_SECONDS, make_ahead),
            Task("retention", ROUND_SECONDS, retire),
            Task("measures", ROUND_SECONDS, lambda connection: compute_changed_days(connection, settings)),
            Task("forecasts", ROUND_SECONDS, score),
            Task("status", ROUND_SECONDS, observe),
            Task("calendar", CALENDAR_SECONDS, lambda connection: write_calendar(connection, settings)),
        ]

    async def _engine(self) -> Engine:
        return await asyncio.to_thread(engine_of, self._url)

    async def _connect(self) -> AsyncConnection:
        return await AsyncConnection.connect(
            self._url, autocommit=True, connect_timeout=5, application_name=f"{APPLICATION}-upkeep"
        )


async def _takes_lead(connection: AsyncConnection) -> bool:
    """Whether this session leads from now on; the lead ends with the session."""
    row = await (await connection.execute("SELECT pg_try_advisory_lock(%s)", [_LEAD])).fetchone()
    return bool(row and row[0])


async def _do(connection: AsyncConnection, task: Task) -> None:
    """Do it and note how it went; only a lost connection is raised."""
    began, error = time.monotonic(), None
    try:
        await task.action(connection)
    except (psycopg.Error, UrbanclearError) as problem:
        if connection.broken:
            raise
        error = str(problem).strip()
        log.warning("upkeep.failed", task=task.name, error=error)
    seconds = time.monotonic() - began
    await connection.execute(_NOTE, {"task": task.name, "seconds": seconds, "error": error})
