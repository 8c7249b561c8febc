"""Works off what the API asks: dry runs here, back-tests in a process of their own, previews by whoever makes them.

Whoever works on a request holds a lock of the database while it does: a request that is `running` without one was
abandoned, and is taken up anew.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from alerting.backtest.history import LONGEST
from alerting.command_database import patient_engine
from alerting.dry_run import dry_run
from schema.alerting.definitions import checked, current
from schema.alerting.rules import Rule
from schema.database import APPLICATION, database_url, problem_of
from schema.tables import alert_requests
from urbanclear.errors import ConfigurationError, UrbanclearError
from urbanclear.logs import get_logger
from urbanclear.settings import Settings

CHANNEL: Final = "alert_requests"
LOOKS_EACH: Final = 1.0  # seconds
KEPT: Final = timedelta(days=1)
LONGEST_ANSWER: Final = timedelta(minutes=10)
RETRIES_AFTER: Final = 2.0  # seconds
_LOCK: Final = text("SELECT pg_try_advisory_lock(hashtextextended(:id, 0))")
_UNLOCK: Final = text("SELECT pg_advisory_unlock(hashtextextended(:id, 0))")
_OPEN: Final = ("waiting", "running")

Body = dict[str, Any]
Say = Callable[[float], Awaitable[None]]
Answer = Callable[[AsyncConnection, Body], Awaitable[dict[str, Any]]]

log = get_logger("alerting")


class Requests:
    """`run` until told to stop. `others` answer further kinds, such as `preview`, quickly."""

    def __init__(self, settings: Settings, others: Mapping[str, Answer] | None = None) -> None:
        self._settings, self._url = settings, database_url(settings)
        self._quick: dict[str, Answer] = {"dry_run": self._dry_run, **(others or {})}

    async def run(self, stop: asyncio.Event) -> None:
        """Quick ones and back-tests are worked off beside each other, each in the order in which they came."""
        engine = patient_engine(self._url)
        try:
            await asyncio.gather(
                self._work_off(engine, tuple(self._quick), stop), self._work_off(engine, ("backtest",), stop)
            )
        finally:
            await engine.dispose()

    async def _work_off(self, engine: AsyncEngine, kinds: tuple[str, ...], stop: asyncio.Event) -> None:
        while not stop.is_set():
            async with await psycopg.AsyncConnection.connect(
                self._url, autocommit=True, connect_timeout=5, application_name=f"{APPLICATION}-alerting"
            ) as listening:
                await listening.execute(f"LISTEN {CHANNEL}")
                while not stop.is_set():
                    if not await _until(stop, self.answer_one(engine, kinds)):
                        async for _ in listening.notifies(timeout=LOOKS_EACH, stop_after=1):
                            pass

    async def answer_one(self, engine: AsyncEngine, kinds: tuple[str, ...]) -> bool:
        """Answer the oldest request of these kinds; whether there was one."""
        async with engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            claimed = await _claim(connection, kinds)
            if claimed is None:
                return False
            number, kind, body = claimed
            try:
                await self._answer(engine, connection, number, kind, body)
            finally:
                if not connection.invalidated and not connection.closed:
                    await connection.execute(_UNLOCK, {"id": number})
            return True

    async def _answer(
        self, engine: AsyncEngine, holding: AsyncConnection, number: str, kind: str, body: Body
    ) -> None:
        async def say(share: float) -> None:
            await _set(holding, number, progress=share)

        try:
            async with asyncio.timeout(LONGEST_ANSWER.total_seconds()):
                if kind == "backtest":
                    result = await self._backtest(holding, body, say)
                else:
                    async with engine.connect() as connection:
                        result = await self._quick[kind](connection, body)
        except UrbanclearError as error:
            await _fail(holding, number, str(error))
        except DBAPIError as error:
            await _fail(holding, number, f"{problem_of(error.orig)}.")
        except TimeoutError:
            await _fail(holding, number, "It takes too long: ask for a shorter time or fewer subjects.")
        except (KeyError, TypeError, ValueError) as error:
            log.exception("alerting.request_failed", kind=kind, error=str(error))
            await _fail(holding, number, f"The request cannot be understood ({type(error).__name__}: {error}).")
        else:
            await _set(holding, number, state="done", progress=1, result=result, finished_at=func.now())

    async def _dry_run(self, connection: AsyncConnection, body: Body) -> dict[str, Any]:
        return await dry_run(connection, await _rule(connection, body["rule"]), self._settings)

    async def _backtest(self, connection: AsyncConnection, body: Body, say: Say) -> dict[str, Any]:
        rule = await _rule(connection, body["rule"])
        span = {name: _moment(body[name]) for name in ("from", "to")}
        if not timedelta(0) < span["to"] - span["from"] <= LONGEST:
            raise ConfigurationError(f"A back-test is of {LONGEST.days} days at most, from one time to a later one.")
        asked = {
            "url": self._url,
            "time_zone": self._settings.time_zone,
            "holidays": self._settings.holidays,
            "rule": rule.document(),
            **{name: time.isoformat() for name, time in span.items()},
        }
        return await _in_a_process(asked, say)


async def _in_a_process(asked: Body, say: Say) -> dict[str, Any]:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "alerting.backtest.worker", stdin=pipe, stdout=pipe, limit=2**28
    )
    assert process.stdin is not None  # noqa: S101
    assert process.stdout is not None  # noqa: S101
    try:
        process.stdin.write(json.dumps(asked).encode())
        process.stdin.close()
        async for line in process.stdout:
            told = json.loads(line)
            if "error" in told:
                raise ConfigurationError(told["error"])
            if "result" in told:
                result: dict[str, Any] = told["result"]
                return result
            await say(told["progress"])
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
    raise ConfigurationError("The back-test ended without a result: ask for a shorter time or fewer subjects.")


async def _claim(connection: AsyncConnection, kinds: tuple[str, ...]) -> tuple[str, str, Body] | None:
    """The oldest that nobody works on, whose lock is then held."""
    table = alert_requests
    waiting = (
        select(table.c.id)
        .where(table.c.state.in_(_OPEN), table.c.kind.in_(kinds))
        .order_by(table.c.requested_at)
        .limit(100)
    )
    for number in (await connection.scalars(waiting)).all():
        if not await connection.scalar(_LOCK, {"id": number}):
            continue
        taking = (
            update(table)
            .where(table.c.id == number, table.c.state.in_(_OPEN))
            .values(state="running", progress=0)
            .returning(table.c.id, table.c.kind, table.c.body)
        )
        row = (await connection.execute(taking)).one_or_none()
        if row is not None:
            return row.id, row.kind, row.body
        await connection.execute(_UNLOCK, {"id": number})
    return None


async def _rule(connection: AsyncConnection, asked: Any) -> Rule:
    """A rule as it is written out, or the one that is called so."""
    if not isinstance(asked, str):
        return checked(Rule, asked, "rule")
    row = (await connection.execute(current("rule", asked))).mappings().one_or_none()
    if row is None:
        raise ConfigurationError(f"There is no rule {asked}.")
    return checked(Rule, row["definition"], asked)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


async def _fail(connection: AsyncConnection, number: str, error: str) -> None:
    await _set(connection, number, state="failed", error=error, finished_at=func.now())


async def _set(connection: AsyncConnection, number: str, **values: Any) -> None:
    await connection.execute(update(alert_requests).where(alert_requests.c.id == number).values(**values))
    if "finished_at" in values:
        old = alert_requests.c.finished_at < func.now() - KEPT
        await connection.execute(delete(alert_requests).where(old))


async def _until(stop: asyncio.Event, work: Awaitable[bool]) -> bool:
    """What `work` gives; it is cancelled when `stop` is set, and its request taken up anew by the next process."""
    task, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    await asyncio.wait((task, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not task.done():
        task.cancel()
        await asyncio.wait((task,))
        return True
    return await task
