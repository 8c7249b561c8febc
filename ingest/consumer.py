"""Kafka to the database: every message is stored or becomes a dead letter, and no offset is committed before.

    poll ─► decode and check ─► one database transaction ─► dead letters acknowledged ─► offsets committed

Killed anywhere on that way, the next consumer is given the same messages again and storing them twice is a no-op.
While the database is away the partitions are paused, the batch is kept and tried again; the consumer stays a member
of its group and its memory stays flat.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import TypeVar

import psycopg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from ingest import metrics
from ingest.batch import STORED, Batch, DeadLetter, read
from ingest.writer import Writer
from schema import topics
from schema.database import database_url, kafka_bootstrap
from schema.heartbeat import HEARTBEAT_SECONDS, instance_name
from urbanclear.logs import get_logger
from urbanclear.settings import Settings

log = get_logger("ingest")
T = TypeVar("T")

RETRY_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Consumer:
    """One ingest process: `run` until told to stop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._bootstrap = kafka_bootstrap(settings)
        self._writer = Writer(database_url(settings))
        self._instance = instance_name()
        self._next_beat = 0.0
        self._stored_to: dict[TopicPartition, int] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set; returns with the last batch stored and committed."""
        async with AsyncExitStack() as stack:
            consumer = self._new_consumer()
            stack.push_async_callback(consumer.stop)
            await consumer.start()
            producer = AIOKafkaProducer(
                bootstrap_servers=self._bootstrap, enable_idempotence=True, max_request_size=2_000_000
            )
            stack.push_async_callback(producer.stop)
            await producer.start()
            stack.push_async_callback(self._writer.close)
            log.info("ingest.started", group=self._settings.ingest_group)
            while not stop.is_set():
                await self._step(consumer, producer, stop)
        log.info("ingest.stopped")

    def _new_consumer(self) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            *[topic.name for topic in STORED],
            bootstrap_servers=self._bootstrap,
            group_id=self._settings.ingest_group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_poll_interval_ms=300_000,
            session_timeout_ms=10_000,
            fetch_max_wait_ms=100,
        )

    async def _step(self, consumer: AIOKafkaConsumer, producer: AIOKafkaProducer, stop: asyncio.Event) -> None:
        wait_ms = int(self._settings.ingest_batch_seconds * 1000)
        polled = await consumer.getmany(timeout_ms=wait_ms, max_records=self._settings.ingest_batch_rows)
        records = _sensors_first(polled)
        if records:
            started = time.perf_counter()
            batch = read(records, self._settings, datetime.now(UTC))
            if not await self._store(consumer, batch, stop):
                return
            await _send_dead_letters(producer, batch.dead)
            await _commit(consumer, polled)
            metrics.observe_batch(batch, time.perf_counter() - started)
        self._observe_lag(consumer, polled)
        await self._beat(consumer, stop)

    async def _store(self, consumer: AIOKafkaConsumer, batch: Batch, stop: asyncio.Event) -> bool:
        """Whether the batch is stored: False only when told to stop before the database came back."""
        refused = await self._persist(consumer, lambda: self._writer.store(batch.messages), stop)
        if refused is None:
            return False
        batch.dead.extend(refused)
        return True

    async def _persist(
        self, consumer: AIOKafkaConsumer, action: Callable[[], Awaitable[T]], stop: asyncio.Event
    ) -> T | None:
        """Do `action`, again and again while the database is away; None when told to stop before it worked."""
        attempt = 0
        while True:
            try:
                result = await action()
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                await self._writer.close()
                delay = RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)]
                log.warning("ingest.database_away", error=str(error).strip(), retry_in_s=delay)
                metrics.DATABASE_AWAY.inc()
                attempt += 1
                await self._stay_member(consumer, delay, stop)
                if stop.is_set():
                    return None
            else:
                if attempt:
                    consumer.resume(*consumer.paused())
                    log.info("ingest.database_back", attempts=attempt)
                return result

    async def _stay_member(self, consumer: AIOKafkaConsumer, seconds: float, stop: asyncio.Event) -> None:
        """Wait while polling nothing, which is what keeps a consumer in its group."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not stop.is_set():
            consumer.pause(*consumer.assignment())
            slipped = await consumer.getmany(timeout_ms=int(min(left, 0.5) * 1000))
            for place, records in slipped.items():  # from a partition assigned while we waited
                consumer.seek(place, records[0].offset)

    def _observe_lag(self, consumer: AIOKafkaConsumer, polled: dict[TopicPartition, list[ConsumerRecord]]) -> None:
        self._stored_to.update({place: records[-1].offset + 1 for place, records in polled.items()})
        ends = {place: consumer.highwater(place) for place in consumer.assignment() & self._stored_to.keys()}
        metrics.LAG.set(sum(max(0, (end or 0) - self._stored_to[place]) for place, end in ends.items()))

    async def _beat(self, consumer: AIOKafkaConsumer, stop: asyncio.Event) -> None:
        if time.monotonic() >= self._next_beat:
            self._next_beat = time.monotonic() + HEARTBEAT_SECONDS
            await self._persist(consumer, lambda: self._writer.beat("ingest", self._instance), stop)


def _sensors_first(polled: dict[TopicPartition, list[ConsumerRecord]]) -> list[ConsumerRecord]:
    """All records, each partition in order; sensors ahead of readings, so that these find theirs described."""
    order = {topic.name: rank for rank, topic in enumerate(STORED)}
    return [record for place in sorted(polled, key=lambda place: order[place.topic]) for record in polled[place]]


async def _send_dead_letters(producer: AIOKafkaProducer, dead: list[DeadLetter]) -> None:
    """Returns once the brokers have all of them."""
    sends = []
    for letter in dead:
        record = letter.record
        origin = f"{record.topic}/{record.partition}/{record.offset}"
        headers = [("reason", letter.reason), ("detail", letter.detail[:1000]), ("origin", origin)]
        encoded = [(name, value.encode(errors="replace")) for name, value in headers]
        log.warning("ingest.dead_letter", reason=letter.reason, detail=letter.detail[:200], origin=origin)
        sends.append(
            await producer.send(topics.DEAD_LETTERS.name, record.value, key=record.topic.encode(), headers=encoded)
        )
    await asyncio.gather(*sends)


async def _commit(consumer: AIOKafkaConsumer, polled: dict[TopicPartition, list[ConsumerRecord]]) -> None:
    """Commit what was stored. A partition lost meanwhile is another's now, who will store the same again: a no-op."""
    offsets = {place: records[-1].offset + 1 for place, records in polled.items()}
    try:
        await consumer.commit({place: at for place, at in offsets.items() if place in consumer.assignment()})
    except (CommitFailedError, IllegalStateError) as error:
        log.warning("ingest.commit_failed", error=str(error))
    except KafkaError as error:
        if not error.retriable:
            raise
        log.warning("ingest.commit_failed", error=repr(error))
