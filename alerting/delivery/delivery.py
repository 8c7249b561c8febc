"""Delivers what stands in the outbox: at least once, each try with the same key, until it is taken or given up.

One loop claims what is due and notes what came of what was sent; each receiver has a line, in which its sender sends
a few at a time. Nothing waits for a receiver but its own line.
"""

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Final

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection
from sqlalchemy.ext.asyncio import create_async_engine

from alerting.channels.contract import Outgoing, Reference, Sender
from alerting.channels.registry import Senders, open_senders
from alerting.delivery import metrics
from alerting.delivery.allowance import Allowance
from alerting.delivery.breaker import Breaker
from alerting.delivery.line import Line, line_name
from alerting.delivery.log_room import LogRoom
from alerting.delivery.outbox import Due, Outbox, Outcome, Room
from alerting.delivery.pace import Pace
from alerting.templates.view import line as line_of
from schema.database import APPLICATION, AWAY, PATIENCE, problem_of, sqlalchemy_url
from urbanclear.errors import LeadershipLost, NotSent, Refused, TryLater
from urbanclear.logs import get_logger
from urbanclear.serving import stopped_within
from urbanclear.settings import Settings

log = get_logger("alerting")

AWAY_SECONDS: Final = 2.0
AWAY_ERRORS: Final = (DBAPIError, NoConnection, *AWAY)
GATHER_SECONDS: Final = 0.02  # outcomes that come together are noted together
GATHER_MANY_SECONDS: Final = 0.25  # where there are many, a transaction for each few would cost more than sending
MANY: Final = 100
GAUGES_SECONDS: Final = 10.0
FLUSH_SECONDS: Final = 3.0
LONGEST_DETAIL: Final = 500  # characters


class Delivery:
    """Delivers from the database at `database_url`; `epoch` is that of the leader, None where nobody else delivers.

    `run` until told to stop, or `run_once` for what is due now, and then `close`.
    """

    def __init__(
        self,
        database_url: str,
        settings: Settings,
        *,
        epoch: int | None = None,
        senders: Senders | None = None,
        pace: Pace | None = None,
    ) -> None:
        self._engine = create_async_engine(
            sqlalchemy_url(database_url),
            pool_size=2,
            pool_pre_ping=True,
            pool_timeout=5,
            connect_args={"application_name": APPLICATION, **PATIENCE},
        )
        self._settings = settings
        self._outbox = Outbox(self._engine, LogRoom(database_url), epoch)
        self._pace = pace or Pace()
        self._given = senders
        self._senders: Senders | None = None
        self._opened = AsyncExitStack()
        self._allowances = _allowances(settings)
        self._lines: dict[str, Line] = {}
        self._in_hand: dict[str, Due] = {}
        self._outcomes: list[Outcome] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._gauged = float("-inf")
        self._next_claim = 0.0
        self._freed = False
        self._lines_closed = False

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop` is set; the database away is waited for.

        Raises `LeadershipLost` as soon as the epoch is not the leader's any more.
        """
        try:
            while not stop.is_set():
                try:
                    await self._look()
                except AWAY_ERRORS as error:
                    self._unless_away(error)
                    await stopped_within(stop, AWAY_SECONDS)
                else:
                    await self._rest(stop)
        finally:
            await self.close()

    async def run_once(self) -> int:
        """Deliver all that is due now; returns how many attempts and decisions there were."""
        done = 0
        while True:
            self._next_claim = 0.0
            await self._look()
            while self._tasks:
                await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
                self._start_all()
            if not self._outcomes:
                return done
            done += await self._note()

    async def close(self) -> None:
        """Give what is being sent a few seconds, note what came of it, and let go of the rest and of connections."""
        try:
            await self._wind_down()
        except (*AWAY_ERRORS, LeadershipLost) as error:
            log.warning("alerting.outcomes_not_noted", notifications=len(self._in_hand), problem=str(error)[:200])
        finally:
            await self._opened.aclose()
            self._senders = None
            await self._engine.dispose()

    def wake(self) -> None:
        """Look for what is due at once: there is something new in the outbox."""
        self._next_claim = 0.0
        self._changed.set()

    async def _look(self) -> None:
        """Note what came of what was sent, and take what there is room for."""
        if not self._freed:
            await self._outbox.free()
            self._freed = True
        await self._note()
        await self._take(await self._open())
        self._start_all()
        await self._gauge()

    async def _rest(self, stop: asyncio.Event) -> None:
        """Until something changed, but not for long."""
        stopping = asyncio.create_task(stop.wait())
        changing = asyncio.create_task(self._changed.wait())
        try:
            await asyncio.wait({stopping, changing}, timeout=self._pace.look_s, return_when=asyncio.FIRST_COMPLETED)
            if changing.done():
                await asyncio.sleep(GATHER_MANY_SECONDS if len(self._in_hand) > MANY else GATHER_SECONDS)
        finally:
            for task in (stopping, changing):
                task.cancel()
        self._changed.clear()

    async def _open(self) -> Senders:
        senders = self._senders or self._given
        if senders is None:
            senders = await self._opened.enter_async_context(open_senders(self._settings, self._engine))
        self._senders = senders
        return senders

    async def _take(self, senders: Senders) -> None:
        room = self._room(senders)
        if room.most <= 0 or not room.allowed or time.monotonic() < self._next_claim:
            return
        claimed = await self._outbox.claim(room, self._pace.held.total_seconds())
        self._next_claim = 0.0 if claimed else time.monotonic() + self._pace.look_s
        for due in claimed:
            self._in_hand[due.id] = due
            if not self._decided(due):
                self._allowances[due.kind].take(1)
                self._line(due, senders[due.kind]).waiting.append(due)

    def _room(self, senders: Senders) -> Room:
        left = {kind: self._allowances[kind].left() for kind in senders}
        full = [
            line.name
            for line in self._lines.values()
            if len(line) >= (self._pace.in_hand // 2 if line.sender.shared else self._pace.of_one)
        ]
        most = min(self._pace.in_hand // 2, self._pace.in_hand - len(self._in_hand))
        return Room(
            most=most if most >= self._pace.in_hand // 10 else 0,  # many at a time, or later
            of_one=self._pace.of_one,
            lease_s=self._pace.lease_s,
            allowed={kind: number for kind, number in left.items() if number > 0},
            shared=[kind for kind, sender in senders.items() if sender.shared],
            full=full,
            in_hand=list(self._in_hand),
        )

    def _line(self, due: Due, sender: Sender) -> Line:
        name = line_name(due.kind, due.destination, shared=sender.shared)
        if name not in self._lines:
            self._lines[name] = Line(name, due.kind, sender, Breaker(self._pace))
        return self._lines[name]

    def _decided(self, due: Due) -> bool:
        """Whether there is nothing to send: it is obsolete, has its turn later, or cannot be read."""
        if due.message is None or due.channel is None:
            self._conclude(due, "given_up", error="this release cannot read it", logged="given up")
        elif due.obsolete is not None:
            self._conclude(due, "obsolete", error=due.obsolete)
        elif due.behind_s is not None:
            self._conclude(due, "waiting", wait_s=due.behind_s)
        else:
            return False
        return True

    def _start_all(self) -> None:
        for line in list(self._lines.values()):
            self._start(line)
            if line.idle:
                del self._lines[line.name]

    def _start(self, line: Line) -> None:
        if self._lines_closed:
            return
        for away in line.sent_away():
            self._failed(away, TryLater("not tried: the receiver fails again and again"), line, tried=False)
        while (due := line.next()) is not None:
            line.sending += 1
            task = asyncio.create_task(self._send(due, line))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _send(self, due: Due, line: Line) -> None:
        began = time.perf_counter()
        try:
            reference = await _sent(due, line.sender)
        except NotSent as problem:
            self._failed(due, problem, line)
        else:
            line.breaker.succeeded()
            self._conclude(due, "delivered", tries=1, reference=reference, logged="delivered")
        finally:
            metrics.SECONDS.labels(due.kind).observe(time.perf_counter() - began)
            line.sending -= 1
            self._start(line)

    def _failed(self, due: Due, problem: NotSent, line: Line, *, tried: bool = True) -> None:
        """Again later, or given up."""
        detail, tries = line_of(str(problem), LONGEST_DETAIL), due.attempts + 1
        if tried and isinstance(problem, TryLater) and problem.whole:
            line.breaker.failed()
        elif tried:
            line.breaker.succeeded()
        if not isinstance(problem, TryLater) or tries >= self._pace.tries:
            log.warning("alerting.notification_given_up", id=due.id, channel=due.kind, tries=tries, problem=detail)
            self._conclude(due, "given_up", tries=1, error=detail, logged="given up")
            return
        wait_s = max(self._pace.wait_s(tries, problem.after), line.breaker.remaining_s())
        logged = "failed" if tried else None
        self._conclude(due, "waiting", tries=1, wait_s=wait_s, error=detail, logged=logged)

    def _conclude(
        self,
        due: Due,
        state: str,
        *,
        tries: int = 0,
        wait_s: float | None = None,
        error: str | None = None,
        reference: Reference | None = None,
        logged: str | None = None,
    ) -> None:
        attempts, now = due.attempts + tries, datetime.now(UTC)
        self._outcomes.append(Outcome(due, state, attempts, now, wait_s, error, reference, logged))
        if logged is not None:
            metrics.DELIVERIES.labels(due.kind, logged.replace(" ", "_")).inc()
        self._changed.set()

    async def _note(self) -> int:
        """Write what came of those that are done; they stay in hand until that is written."""
        outcomes = list(self._outcomes)
        if outcomes:
            await self._outbox.finish(outcomes)
            del self._outcomes[: len(outcomes)]
            for outcome in outcomes:
                self._in_hand.pop(outcome.due.id, None)
        return len(outcomes)

    async def _wind_down(self) -> None:
        self._lines_closed = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._pace.grace_s)
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        concluded = {outcome.due.id for outcome in self._outcomes}
        for due in list(self._in_hand.values()):
            if due.id not in concluded:
                self._conclude(due, "waiting", wait_s=0)
        self._lines.clear()
        async with asyncio.timeout(FLUSH_SECONDS):
            await self._note()

    async def _gauge(self) -> None:
        for kind in self._senders or ():
            pauses = [line for line in self._lines.values() if line.kind == kind and line.breaker.failing]
            metrics.BREAKERS.labels(kind).set(len(pauses))
        if time.monotonic() - self._gauged < GAUGES_SECONDS:
            return
        self._gauged = time.monotonic()
        waiting, given_up, oldest_s = await self._outbox.count()
        metrics.OLDEST.set(oldest_s)
        for kind in self._senders or ():
            metrics.WAITING.labels(kind).set(waiting.get(kind, 0))
            metrics.GIVEN_UP.labels(kind).set(given_up.get(kind, 0))

    def _unless_away(self, error: Exception) -> None:
        cause = error.orig if isinstance(error, DBAPIError) else error
        if not isinstance(cause, (*AWAY, NoConnection)):
            raise error
        log.warning("alerting.database_away", problem=problem_of(cause), retry_in_s=AWAY_SECONDS)


async def _sent(due: Due, sender: Sender) -> Reference | None:
    """What the sender returns; raises `NotSent` whatever happens."""
    if due.channel is None or due.message is None:
        raise Refused("this release cannot read it")
    outgoing = Outgoing(due.id, due.contact, due.channel, due.message, due.reference)
    try:
        async with asyncio.timeout(sender.deadline_s):
            return await sender.send(outgoing)
    except NotSent:
        raise
    except TimeoutError:
        raise TryLater(f"not taken within {sender.deadline_s:g} s") from None
    except Exception as error:  # one message that a channel cannot cope with must not end all others
        log.exception("alerting.channel_failed", id=due.id, channel=due.kind)
        raise TryLater(f"an error in Urbanclear: {type(error).__name__}", whole=False) from error


def _allowances(settings: Settings) -> Mapping[str, Allowance]:
    return {
        "email": Allowance(settings.alert_rate_email),
        "slack": Allowance(settings.alert_rate_slack),
        "webhook": Allowance(settings.alert_rate_webhook),
        "sms": Allowance(settings.alert_rate_sms),
        "push": Allowance(settings.alert_rate_push),
    }
