"""The process that runs the night's jobs, `urbanclear spark nightly`, and one more time soon after it was started
where there are no patterns yet, or a run was cut short.

Of several such processes one runs the jobs, the one that has the lock in the database. What fails is logged, and
tried again the next night.
"""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

import psycopg

from schema.batch_runs import WAS_KILLED
from schema.database import APPLICATION, database_url
from schema.heartbeat import beat
from spark.nightly.metrics import RUNS, SUCCEEDED
from spark.nightly.schedule import next_run
from urbanclear.embedded.java import find_java
from urbanclear.embedded.process import die_with_parent
from urbanclear.errors import JavaNotFound
from urbanclear.logs import get_logger
from urbanclear.serving import stopped_within
from urbanclear.settings import Settings

PART: Final = "jobs"
TRAIN: Final = ("forecast", "train")
#: What is run, one after the other, each as a command of `urbanclear` in a process of its own.
COMMANDS: Final = (("spark", "all"), TRAIN)
FIRST_AFTER: Final = timedelta(minutes=3)  # the start, when the stack has caught its breath
LOOK: Final = timedelta(seconds=30)  # at the clock: it may be set, and the machine may have slept
NICENESS: Final = 15
STOP_SECONDS: Final = 2.0  # for a job to note that it was stopped; a part of the stack has 3
LOCK: Final = 0x75726263_6E696768  # an arbitrary key of our own for pg_try_advisory_lock

_WANTED: Final = f"""
    SELECT (NOT EXISTS (SELECT FROM spark_runs WHERE job = 'patterns' AND status = 'succeeded')
            OR EXISTS (SELECT FROM spark_runs WHERE {WAS_KILLED}))
       AND (SELECT max(time) - min(time) >= interval '1 day' FROM area_1h)
"""  # noqa: S608 – our own words

#: A week after the newest model was made, by the night: where there are the days that it takes, of those it looks at.
_TRAINING_DUE: Final = """
    SELECT NOT EXISTS (SELECT FROM forecast_models WHERE trained_at > now() - interval '6 days 12 hours')
       AND (SELECT max(time) - min(time) >= interval '11 days' FROM area_1h
            WHERE time > (SELECT max(time) FROM area_1h) - interval '35 days')
"""
#: What is left out on nights on which its query does not say that it is due.
DUE: Final[Mapping[tuple[str, ...], str]] = {TRAIN: _TRAINING_DUE}

log = get_logger(PART)


@dataclass
class Nightly:
    """One process; `run` until told to stop. `at` is on the city's clock."""

    settings: Settings
    at: time
    commands: Sequence[Sequence[str]] = COMMANDS
    first_after: timedelta = FIRST_AFTER
    look: timedelta = LOOK

    def __post_init__(self) -> None:
        self._url = database_url(self.settings)
        self._without_java = False

    async def run(self, stop: asyncio.Event) -> None:
        """Beat, and keep the schedule."""
        await asyncio.gather(beat(PART, self._url, stop), self._keep_schedule(stop))

    def due_after(self, now: datetime) -> datetime:
        """The next night's time."""
        return next_run(now, self.at, self.settings.time_zone)

    async def _keep_schedule(self, stop: asyncio.Event) -> None:
        started = datetime.now(UTC)
        due, first = self.due_after(started), self.settings.nightly_at_start
        log.info("jobs.started", next=due.isoformat())
        while not await stopped_within(stop, self.look.total_seconds()):
            now = datetime.now(UTC)
            try:
                if now >= due:
                    await self.run_all(stop)
                    due, first = self.due_after(datetime.now(UTC)), False
                    log.info("jobs.waiting", next=due.isoformat())
                elif first and now >= started + self.first_after and await self.first_wanted():
                    await self.run_all(stop)
                    first = False
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                log.warning("jobs.database_away", error=str(error).strip(), retry_in_s=self.look.total_seconds())

    async def first_wanted(self) -> bool:
        """Whether there are no patterns yet, or a run was cut short, and a day of readings to make them of."""
        async with await self._connect() as connection:
            return await _says(connection, _WANTED)

    async def run_all(self, stop: asyncio.Event) -> None:
        """Run all commands that are due, unless another process does so now, or there is no Java for them."""
        if not await self._java_found():
            return
        async with await self._connect() as connection:
            if not await _says(connection, "SELECT pg_try_advisory_lock(%s)", LOCK):
                log.info("jobs.left_to_another")
                return
            for command in self.commands:
                if not stop.is_set() and await self.is_due(connection, command):
                    await self._run(command, stop)

    async def is_due(self, connection: psycopg.AsyncConnection[Any], command: Sequence[str]) -> bool:
        """Whether a command is to be run this night: training is not run each night, nor without enough days."""
        query = DUE.get(tuple(command))
        return query is None or await _says(connection, query)

    async def _java_found(self) -> bool:
        """Where there is none that is said once."""
        try:
            await asyncio.to_thread(find_java)
        except JavaNotFound as error:
            if not self._without_java:
                log.error("jobs.no_java", error=str(error))
            self._without_java = True
            return False
        return True

    async def _run(self, command: Sequence[str], stop: asyncio.Event) -> None:
        name, began = " ".join(command), datetime.now(UTC)
        log.info("jobs.command_started", command=name)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "urbanclear", *command),
            stdin=asyncio.subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_humble(),
        )
        code = await _end_of(process, stop)
        seconds = round((datetime.now(UTC) - began).total_seconds(), 1)
        outcome = "stopped" if stop.is_set() else "failed" if code else "succeeded"
        RUNS.labels(name, outcome).inc()
        if outcome == "succeeded":
            SUCCEEDED.labels(name).set_to_current_time()
        level = logging.ERROR if outcome == "failed" else logging.INFO
        log.log(level, "jobs.command_ended", command=name, outcome=outcome, code=code, seconds=seconds)

    async def _connect(self) -> psycopg.AsyncConnection[Any]:
        return await psycopg.AsyncConnection.connect(
            self._url, autocommit=True, connect_timeout=5, application_name=APPLICATION
        )


async def _says(connection: psycopg.AsyncConnection[Any], query: str, *values: object) -> bool:
    """Whether the one value that is asked for is true."""
    row = await (await connection.execute(query.encode(), values)).fetchone()
    return bool(row and row[0])


async def _end_of(process: asyncio.subprocess.Process, stop: asyncio.Event) -> int:
    """Its exit code; once `stop` is set it is interrupted, and soon killed."""
    ended, stopping = asyncio.create_task(process.wait()), asyncio.create_task(stop.wait())
    await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not ended.done():
        process.send_signal(signal.SIGINT)
        await asyncio.wait({ended}, timeout=STOP_SECONDS)
    if not ended.done():
        process.kill()
    return await ended


def _humble() -> Callable[[], None]:
    """What a child does before it is the command: it gives way to others, heeds SIGINT, and ends with its parent."""
    ending = die_with_parent(signal.SIGINT)

    def prepare() -> None:
        os.nice(NICENESS)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if ending is not None:
            ending()

    return prepare
