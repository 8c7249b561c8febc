"""From decoded batches to what is safe: prepare ─► write ─► checkpoint.

While the server writes one or two batches the next is prepared, so that neither waits for the other. Offsets are
committed at checkpoints, a few times a second, after all that precedes them: readings, the newest of each sensor,
dead letters. Every batch belongs to an epoch, a stretch of time in which Kafka let this process have the same
partitions. Work of an epoch that is over is dropped: whoever has its partitions now is given the same messages.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Final, Protocol, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from ingest import metrics
from ingest.batch import Batch, DeadLetter
from ingest.connection import Connection, retry_seconds
from ingest.flags import Rules
from ingest.latest import Latest
from ingest.letters import Letterbox
from ingest.preparing import doubts, prepare
from ingest.registry import Registry
from ingest.storing import Storing, Work
from ingest.transactions import FENCED
from ingest.writer import Refused, Writer
from schema.database import AWAY
from schema.heartbeat import BEAT, HEARTBEAT_SECONDS, instance_name
from urbanclear.logs import get_logger
from urbanclear.settings import Settings

log = get_logger("ingest")
T = TypeVar("T")

STORE_SECONDS: Final = 60.0  # a transaction that takes longer is tried anew on another connection
CHECKPOINT_SECONDS: Final = 0.25
CHECKPOINT_SHARE: Final = 0.05  # of the time, at most, goes to checkpoints
LONGEST_CHECKPOINT_SECONDS: Final = 5.0
REFRESH_SECONDS: Final = 60.0
FENCED_SECONDS: Final = 5.0  # longer than a heartbeat, by which the group tells whose the partitions are


class Closable(Protocol):
    """What is let go of when the database is away."""

    async def close(self) -> None: ...


class Abandoned(Exception):
    """The epoch of the work is over: it is another's now, or this process is to stop."""


class Pipeline:
    """`put` batches; `run` works on them until `end`. `epoch` is set by whoever reads from Kafka."""

    def __init__(self, settings: Settings, database_url: str, consumer: AIOKafkaConsumer, letters: Letterbox) -> None:
        self.epoch = 0
        self.take_again_at = 0.0  # on the monotonic clock: not before, where another process has taken over
        self.registry = Registry()
        self._rules = Rules.of(settings.stuck_after, settings.late_after)
        self._storing = Storing(database_url)
        self._latest = Latest(database_url)
        self._lookups = Connection(database_url)
        self._beats = Connection(database_url)
        self._consumer = consumer
        self._letters = letters
        self._decoded: asyncio.Queue[tuple[int, Batch] | None] = asyncio.Queue(1)
        self._prepared: asyncio.Queue[Work | None] = asyncio.Queue(1)
        self._uncommitted: dict[TopicPartition, int] = {}
        self._committing: asyncio.Task[None] | None = None
        self._checkpointing = asyncio.Lock()
        self._due_at = 0.0
        self._refreshed_at = 0.0
        self._away = False
        self._stopping = False

    async def run(self) -> None:
        """Work until `end` was called and all before it is safe."""
        beating = asyncio.create_task(self._beat())
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._prepare_all())
                group.create_task(self._write_all())
        finally:
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)
            for connection in (self._beats, self._lookups, self._latest, self._storing):
                await connection.close()

    async def put(self, epoch: int, batch: Batch) -> None:
        """Hand over a batch; waits while there is no room."""
        await self._decoded.put((epoch, batch))

    async def end(self) -> None:
        """No more batches come; what waits for the database waits no longer."""
        self._stopping = True
        await self._decoded.put(None)

    async def drain(self, seconds: float) -> None:
        """Make all that was put safe, as far as that can be done within `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._decoded.join()
                await self._prepared.join()
                await self._checkpoint([])
        except (TimeoutError, Abandoned):
            log.warning("ingest.not_drained", after_s=seconds)

    def begin_epoch(self, epoch: int) -> None:
        """What is under way belongs to the past from now on."""
        self.epoch = epoch
        self._uncommitted.clear()
        self.registry.forget()
        self._latest.forget()
        if self._committing is not None:
            self._committing.cancel()  # it would be tried again in the name of the new epoch

    async def _prepare_all(self) -> None:
        while (decoded := await self._decoded.get()) is not None:
            try:
                with suppress(Abandoned):
                    await self._prepared.put(await self._prepare(*decoded))
            finally:
                self._decoded.task_done()
        self._decoded.task_done()
        await self._prepared.put(None)

    async def _prepare(self, epoch: int, batch: Batch) -> Work:
        await self._persist(lambda: self._load_sensors(batch), epoch, self._lookups)
        self._check(epoch)
        return Work(epoch, prepare(batch, self.registry, self._rules, round(time.time() * 1e6)))

    async def _load_sensors(self, batch: Batch) -> None:
        registry, now = self.registry, time.monotonic()
        if now >= self._refreshed_at + REFRESH_SECONDS:
            await registry.refresh(await self._lookups.get(), 2 * REFRESH_SECONDS)
            self._refreshed_at = now
        if len(places := registry.unloaded(batch.readings.sensors)):
            await registry.load(await self._lookups.get(), places)

    async def _write_all(self) -> None:
        try:
            while (work := await self._next_prepared()) is not None:
                while not self._storing.has_room_for(work):
                    await self._finish_oldest()
                self._storing.start(work, partial(self._store, work))
            while self._storing.oldest is not None:
                await self._finish_oldest()
        finally:
            await self._storing.cancel()
        self._prepared.task_done()
        if self._uncommitted:
            await self._checkpoint_unless_abandoned()

    async def _next_prepared(self) -> Work | None:
        """The next; meanwhile what is stored is finished, and a checkpoint made when one is due."""
        getting = asyncio.ensure_future(self._prepared.get())
        try:
            while not getting.done():
                oldest = self._storing.oldest
                due_in = max(0.0, self._due_at - time.monotonic()) if self._uncommitted else None
                waits = {getting} if oldest is None else {getting, oldest}
                await asyncio.wait(waits, timeout=due_in, return_when=asyncio.FIRST_COMPLETED)
                if oldest is not None and oldest.done():
                    await self._finish_oldest()
                elif not getting.done():
                    await self._checkpoint_unless_abandoned()
            return getting.result()
        finally:
            getting.cancel()

    async def _store(self, work: Work, writer: Writer) -> list[Refused]:
        batch, transaction = work.prepared.batch, work.prepared.transaction
        self._check(work.epoch)
        began = time.perf_counter()
        refused = await self._persist(lambda: writer.store(transaction), work.epoch, writer)
        metrics.observe(batch, transaction.rows, time.perf_counter() - began, time.time())
        return refused

    async def _finish_oldest(self) -> None:
        """Note that all up to the end of the oldest batch under way is stored."""
        try:
            with suppress(Abandoned):
                await self._finish(*await self._storing.oldest_stored())
        finally:
            self._prepared.task_done()

    async def _finish(self, work: Work, refused: list[Refused]) -> None:
        self._check(work.epoch)
        batch = work.prepared.batch
        newest, doubted = doubts(work.prepared, refused, self.registry)
        self._latest.add(newest)
        if len(doubted):
            await self._persist(partial(self._latest.settle, self.registry, doubted), work.epoch)
            self._check(work.epoch)
        letters = [*batch.dead, *(one.letter for one in refused)]
        self._uncommitted.update(batch.offsets)
        if letters or time.monotonic() >= self._due_at:
            await self._checkpoint(letters)

    async def _checkpoint_unless_abandoned(self) -> None:
        with suppress(Abandoned):
            await self._checkpoint([])

    async def _checkpoint(self, letters: Sequence[DeadLetter]) -> None:
        """The newest readings, then dead letters, then offsets: what is committed is complete."""
        async with self._checkpointing:
            began, epoch = time.monotonic(), self.epoch
            await self._persist(self._latest.note, epoch)
            self._check(epoch)
            offsets = dict(self._uncommitted)
            if letters:
                await self._send(letters, offsets, epoch)
            self._check(epoch)
            sent = {letter.place for letter in letters}
            await self._commit({place: at for place, at in offsets.items() if place not in sent})
            took = time.monotonic() - began
            metrics.CHECKPOINTS.observe(took)
            wait = min(max(CHECKPOINT_SECONDS, took / CHECKPOINT_SHARE), LONGEST_CHECKPOINT_SECONDS)
            self._due_at = time.monotonic() + wait

    async def _send(self, letters: Sequence[DeadLetter], offsets: dict[TopicPartition, int], epoch: int) -> None:
        try:
            await self._letters.send(letters, offsets)
        except FENCED as error:
            log.warning("ingest.fenced", error=repr(error))
            self.take_again_at = time.monotonic() + FENCED_SECONDS
            self._lose(epoch)
        except KafkaError as error:
            log.warning("ingest.letters_uncertain", error=repr(error))
            self._lose(epoch)
        metrics.observe_rejected(letters)
        _tell(letters)
        for letter in letters:
            self._uncommitted.pop(letter.place, None)

    async def _commit(self, offsets: dict[TopicPartition, int]) -> None:
        """A partition lost meanwhile is another's now, who will store the same again: a no-op."""
        held = {place: at for place, at in offsets.items() if place in self._consumer.assignment()}
        if not held:
            return
        self._committing = asyncio.ensure_future(self._consumer.commit(held))
        try:
            await asyncio.wait({self._committing})
            if self._committing.cancelled():
                raise Abandoned
            self._committing.result()
        except (CommitFailedError, IllegalStateError) as error:
            log.warning("ingest.commit_failed", error=str(error))
        except KafkaError as error:
            if not error.retriable:
                raise
            log.warning("ingest.commit_failed", error=repr(error))
            return  # tried again at the next checkpoint
        for place, at in offsets.items():
            if self._uncommitted.get(place) == at:
                del self._uncommitted[place]

    async def _persist(self, action: Callable[[], Awaitable[T]], epoch: int, connection: Closable | None = None) -> T:
        """Do `action`, again and again while the database is away; raises `Abandoned` once that makes no sense."""
        attempt = 0
        while True:
            try:
                async with asyncio.timeout(STORE_SECONDS):
                    result = await action()
            except AWAY as error:
                await (connection or self._latest).close()
                delay = retry_seconds(attempt)
                log.warning("ingest.database_away", error=str(error).strip() or repr(error), retry_in_s=delay)
                metrics.DATABASE_AWAY.inc()
                self._away, attempt = True, attempt + 1
                await self._pause(delay, epoch)
            else:
                if attempt:
                    log.info("ingest.database_back", attempts=attempt)
                self._away = False
                return result

    async def _pause(self, seconds: float, epoch: int) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self._stopping:
                self._lose(epoch)  # or what came later would be committed past what is given up
            self._check(epoch)
            await asyncio.sleep(0.05)

    def _check(self, epoch: int) -> None:
        if epoch != self.epoch:
            raise Abandoned

    def _lose(self, epoch: int) -> None:
        """Begin anew from what is committed: whoever polls takes the partitions again."""
        if epoch == self.epoch:
            self.begin_epoch(epoch + 1)
        raise Abandoned

    async def _beat(self) -> None:
        """Say that this process is well while it is."""
        instance = instance_name()
        while True:
            if not self._away:
                try:
                    await (await self._beats.get()).execute(BEAT, ["ingest", instance])
                except AWAY:
                    await self._beats.close()
            await asyncio.sleep(HEARTBEAT_SECONDS)


def _tell(letters: Sequence[DeadLetter]) -> None:
    """A line a reason, however many there are."""
    for reason in dict.fromkeys(letter.reason for letter in letters):
        those = [letter for letter in letters if letter.reason == reason]
        log.warning(
            "schema.dead_letters",
            reason=reason,
            count=len(those),
            detail=those[0].detail[:200],
            origin=those[0].origin,
        )
