"""Kafka to the database: every message is stored or becomes a dead letter, and no offset is committed before.

    poll ─► decode ─► prepare ─► one database transaction ─► dead letters, offsets        (`pipeline.py`)

Killed anywhere on that way, the next consumer is given the same messages again and storing them twice is a no-op.
Any number of these share a group's partitions. While the database is away or slow the partitions are paused, what
was read is kept and tried again; the consumer stays a member of its group and its memory stays flat.
"""

import asyncio
import time
from collections.abc import Coroutine, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import psycopg
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from ingest import metrics
from ingest.batch import STORED, Reader
from ingest.letters import Letterbox
from ingest.pipeline import Pipeline
from schema.database import database_url, kafka_bootstrap, problem_of
from urbanclear.errors import StartError
from urbanclear.logs import get_logger
from urbanclear.serving import stopped_within
from urbanclear.settings import Settings

log = get_logger("ingest")

READING_BYTES: Final = 100  # about what a reading takes in JSON; from then on the mean of what was seen
MOST_RECORDS: Final = 200  # taken at once: each may be a batch of 300 kB
FETCH_WAIT_MS: Final = 50  # brokers were seen to keep an empty answer this long although something came meanwhile
IDLE_SECONDS: Final = 1.0
PATIENCE_SECONDS: Final = 1.0  # with a full pipeline; then partitions are paused, which costs their read-ahead
DRAIN_SECONDS: Final = 5.0  # half a session: the others of the group wait for it
STOP_SECONDS: Final = 2.5
RETAKE_SECONDS: Final = 1.0


@dataclass
class Gathered:
    """Messages of a batch, and how much they are."""

    polled: dict[TopicPartition, list[ConsumerRecord]] = field(default_factory=dict)
    records: int = 0
    bytes: int = 0

    def add(self, found: dict[TopicPartition, list[ConsumerRecord]]) -> None:
        for place, records in found.items():
            self.polled.setdefault(place, []).extend(records)
            self.records += len(records)
            self.bytes += sum([len(record.value or b"") for record in records])


class Consumer:
    """One ingest process: `run` until told to stop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._url = database_url(settings)
        self._bootstrap = kafka_bootstrap(settings)
        self._record_bytes = 1_000.0
        self._reading_bytes = float(READING_BYTES)
        self._taken_epoch = -1
        self._draining = False
        self._read_to: dict[TopicPartition, int] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set; returns with what was read stored and committed, unless the database is away.

        Raises `StartError` where the database has another schema.
        """
        async with AsyncExitStack() as stack:
            consumer = self._new_consumer()
            stack.push_async_callback(consumer.stop)
            letters = Letterbox(self._bootstrap, self._settings.ingest_group)
            stack.push_async_callback(letters.close)
            self._pipeline = Pipeline(self._settings, self._url, consumer, letters)
            self._reader = Reader(self._settings, self._pipeline.registry)
            consumer.subscribe([topic.name for topic in STORED], listener=Rebalances(self))
            await consumer.start()
            log.info("ingest.started", group=self._settings.ingest_group)
            try:
                await self._flow(consumer, letters, stop)
            except* psycopg.ProgrammingError as errors:
                raise StartError(f"Ingest cannot use the database: {problem_of(_first(errors))}.") from errors
        log.info("ingest.stopped")

    async def _flow(self, consumer: AIOKafkaConsumer, letters: Letterbox, stop: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            storing = group.create_task(self._pipeline.run())
            polling = group.create_task(self._poll(consumer, letters, stop))
            stopping = group.create_task(_wait_for(stop))
            await asyncio.wait({storing, polling, stopping}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({storing}, timeout=STOP_SECONDS)
            for task in (storing, polling, stopping):
                task.cancel()

    def _new_consumer(self) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            group_id=self._settings.ingest_group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_poll_interval_ms=300_000,
            session_timeout_ms=10_000,
            fetch_max_wait_ms=FETCH_WAIT_MS,
        )

    async def _poll(self, consumer: AIOKafkaConsumer, letters: Letterbox, stop: asyncio.Event) -> None:
        while not stop.is_set():
            if self._taken_epoch != self._pipeline.epoch:
                await self._take_partitions(consumer, letters, stop)
                continue
            epoch = self._pipeline.epoch
            gathered = await self._gather(consumer, stop)
            if epoch != self._pipeline.epoch or self._draining:
                continue  # whoever has the partitions then is given these again
            if polled := gathered.polled:
                batch = self._reader.read(polled, datetime.now(UTC))
                self._learn_sizes(gathered, len(batch))
                await self._hand_over(consumer, self._pipeline.put(epoch, batch), stop)
            self._observe_lag(consumer, polled)
        await self._hand_over(consumer, self._pipeline.end(), None)

    async def _gather(self, consumer: AIOKafkaConsumer, stop: asyncio.Event) -> Gathered:
        """Messages until they hold about as many readings as a batch, or the first has waited long enough."""
        gathered, until = Gathered(), time.monotonic() + IDLE_SECONDS
        wanted = self._settings.ingest_batch_rows * self._reading_bytes
        while (left := wanted - gathered.bytes) > 0 and not stop.is_set() and not self._draining:
            wait_ms = max(0, round((until - time.monotonic()) * 1000))
            most = max(1, min(MOST_RECORDS, int(left / self._record_bytes)))
            found = await consumer.getmany(timeout_ms=wait_ms, max_records=most)
            if not gathered.polled:
                until = time.monotonic() + self._settings.ingest_batch_seconds
            gathered.add(found)
            if not found or (wait_ms == 0 and time.monotonic() >= until):
                break
        return gathered

    def _learn_sizes(self, gathered: Gathered, events: int) -> None:
        self._record_bytes = max(1.0, gathered.bytes / gathered.records)
        if events:
            self._reading_bytes = max(1.0, gathered.bytes / events)

    async def _hand_over(
        self, consumer: AIOKafkaConsumer, putting: Coroutine[object, object, None], stop: asyncio.Event | None
    ) -> None:
        """Wait for room; polling nothing meanwhile is what keeps a consumer in its group."""
        task = asyncio.ensure_future(putting)
        while not (await asyncio.wait({task}, timeout=PATIENCE_SECONDS))[0]:
            if stop is not None and stop.is_set():
                task.cancel()
                return
            metrics.PAUSED.set(1)
            consumer.pause(*consumer.assignment())
            await consumer.getmany(timeout_ms=0)
        if paused := consumer.paused():
            consumer.resume(*paused)
            metrics.PAUSED.set(0)
        await task

    async def _take_partitions(self, consumer: AIOKafkaConsumer, letters: Letterbox, stop: asyncio.Event) -> None:
        """Be the only one to send dead letters of our partitions, and only then see how far they are committed."""
        if await stopped_within(stop, max(0.0, self._pipeline.take_again_at - time.monotonic())):
            return
        epoch, places = self._pipeline.epoch, consumer.assignment()
        try:
            await letters.take(places)
            for place in places:
                committed = await consumer.committed(place)
                if committed is None:
                    await consumer.seek_to_beginning(place)
                else:
                    consumer.seek(place, committed)
        except IllegalStateError:
            return  # handed out anew meanwhile
        except KafkaError as error:
            log.warning("ingest.kafka_away", error=repr(error), retry_in_s=RETAKE_SECONDS)
            await stopped_within(stop, RETAKE_SECONDS)
            return
        self._taken_epoch = epoch
        self._read_to = {}
        metrics.PARTITIONS.set(len(places))

    def _observe_lag(self, consumer: AIOKafkaConsumer, polled: dict[TopicPartition, list[ConsumerRecord]]) -> None:
        self._read_to.update({place: records[-1].offset + 1 for place, records in polled.items()})
        ends = {place: consumer.highwater(place) for place in consumer.assignment() & self._read_to.keys()}
        metrics.LAG.set(sum(max(0, (end or 0) - self._read_to[place]) for place, end in ends.items()))

    async def give_up(self) -> None:
        """Make what was read safe before others get the partitions."""
        self._draining = True
        try:
            await self._pipeline.drain(DRAIN_SECONDS)
        finally:
            self._pipeline.begin_epoch(self._pipeline.epoch + 1)
            self._draining = False

    def start_anew(self) -> None:
        """Partitions were handed out."""
        metrics.REBALANCES.inc()
        self._pipeline.begin_epoch(self._pipeline.epoch + 1)


class Rebalances(ConsumerRebalanceListener):  # type: ignore[misc]
    """Tells the consumer when Kafka hands partitions out anew."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        if revoked:
            await self._consumer.give_up()

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._consumer.start_anew()


async def _wait_for(stop: asyncio.Event) -> None:
    await stop.wait()


def _first(errors: BaseException) -> BaseException:
    return _first(errors.exceptions[0]) if isinstance(errors, BaseExceptionGroup) else errors
