"""Where every feed hands its events over: an idempotent Kafka producer, keyed so that a sensor stays in order."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from itertools import groupby
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.partitioner import DefaultPartitioner
from prometheus_client import Counter as MetricCounter

from schema import topics
from schema.events import Event, Prediction, Reading, encode, encode_batch
from urbanclear.errors import KafkaAway, NotDelivered
from urbanclear.logs import get_logger

log = get_logger("publisher")

#: In a message: about 300 kB, a third of what a broker takes by default. Of other events each has its own message.
MOST_OF: Final[dict[type[Event], int]] = {Reading: 2_000, Prediction: 1_000}
CLOSE_SECONDS: Final = 5.0  # for what is not acknowledged yet; a part has 10 s to stop

PUBLISHED = MetricCounter("urbanclear_ingest_published_total", "Events handed to Kafka by sources", ["topic"])
REFUSED = MetricCounter(
    "urbanclear_ingest_source_refused_total", "Input rows a source could not use, by reason", ["reason"]
)

Sent = asyncio.Future[object]

_partitioner = DefaultPartitioner()
_TOPIC_OF = {topic.event: topic.name for topic in topics.ALL if topic.event is not None}


class Publisher:
    """Publishes events to the topic that carries them.

    `publish` returns once the event is in the producer's buffer and waits while that is full; `flush` returns once
    all are acknowledged by the brokers. `published` and `refused` are the ledger of this run. What is sent while
    Kafka is away waits until it is back; `deliver` alone gives up, and may be called by several tasks at once.
    """

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer
        self._partitions: dict[str, list[int]] = {}
        self._partition_of: dict[tuple[str, str], int] = {}
        self._failure: BaseException | None = None
        self.published: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    async def publish(self, event: Event) -> None:
        """Send `event`, keyed by its own key, to its topic."""
        await self._send_event(event)

    async def publish_readings(self, readings: Iterable[Reading]) -> None:
        """Send what one poll of a feed brought as one message a partition, each sensor to the partition of its own.

        As `publish`, and many times cheaper to carry and to store than a message for each reading.
        """
        await self._send_batches(readings)

    async def deliver(self, events: Iterable[Event], *, within_s: float) -> None:
        """Send what came at once, readings and predictions as `publish_readings` does; returns once brokers have all.

        Raises `NotDelivered` where they refuse any, and `KafkaAway` where they do not answer in time. Then it is not
        known which they hold: all may be sent again, since each event is stored once.
        """
        try:
            async with asyncio.timeout(within_s):
                sent = await self._send_all(list(events))
                if sent:
                    await asyncio.wait(sent)
        except TimeoutError:
            raise KafkaAway(f"Kafka does not answer within {within_s:g} s: try again in a few seconds.") from None
        except KafkaError as error:
            raise _not_delivered(error) from error
        for future in sent:
            if (failure := future.exception()) is not None:
                raise _not_delivered(failure) from failure

    async def reject(self, origin: str, row: bytes, reason: str, detail: str = "") -> None:
        """Send an input row that cannot be an event to the dead letters, with its reason and where it came from.

        Of a row larger than `LONGEST_LETTER_BYTES` the beginning is sent.
        """
        told = {"reason": reason, "detail": detail[: topics.LONGEST_DETAIL], "origin": origin}
        headers = [(name, text.encode(errors="replace")) for name, text in told.items() if text]
        kept = row[: topics.LONGEST_LETTER_BYTES]
        await self._send(topics.DEAD_LETTERS.name, kept, key=origin.encode(), headers=headers)
        self.count_refused(reason)

    def count_refused(self, reason: str, rows: int = 1) -> None:
        """Account for rows that carry no observation by the feed's own word (a status of "no data")."""
        self.refused[reason] += rows
        REFUSED.labels(reason).inc(rows)

    async def flush(self) -> None:
        """Wait until the brokers have acknowledged everything published so far; raises `NotDelivered` where they
        refused any of it."""
        await self._producer.flush()
        failure, self._failure = self._failure, None
        if failure is not None:
            raise _not_delivered(failure) from failure

    async def _send_all(self, events: list[Event]) -> list[Sent]:
        sent = await self._send_batches(event for event in events if type(event) in MOST_OF)
        return sent + [await self._send_event(event) for event in events if type(event) not in MOST_OF]

    async def _send_event(self, event: Event) -> Sent:
        topic = _TOPIC_OF[type(event)]
        sent = await self._send(topic, encode(event), key=event.key.encode())
        self._count(topic, 1)
        return sent

    async def _send_batches(self, events: Iterable[Event]) -> list[Sent]:
        shares: defaultdict[tuple[type[Event], int], list[Event]] = defaultdict(list)
        for topic, of_topic in groupby(events, key=lambda event: _TOPIC_OF[type(event)]):
            await self._learn_partitions(topic)
            for event in of_topic:
                shares[type(event), self._partition(topic, event.key)].append(event)
        return [
            await self._send_batch(partition, share[start : start + MOST_OF[kind]])
            for (kind, partition), share in shares.items()
            for start in range(0, len(share), MOST_OF[kind])
        ]

    async def _send_batch(self, partition: int, batch: list[Event]) -> Sent:
        topic, key = _TOPIC_OF[type(batch[0])], batch[0].key.encode()
        sent = await self._send(topic, encode_batch(batch), key=key, partition=partition)
        self._count(topic, len(batch))
        return sent

    async def _send(self, topic: str, value: bytes, **rest: object) -> Sent:
        sent: Sent = await self._producer.send(topic, value, **rest)
        sent.add_done_callback(self._note_failure)
        return sent

    def _note_failure(self, sent: Sent) -> None:
        if not sent.cancelled() and (failure := sent.exception()) is not None:
            self._failure = failure

    async def _learn_partitions(self, topic: str) -> None:
        partitions = sorted(await self._producer.partitions_for(topic))
        if partitions != self._partitions.get(topic):
            self._partitions[topic] = partitions
            self._partition_of.clear()

    def _partition(self, topic: str, key: str) -> int:
        """Where Kafka's own rule puts messages with the key."""
        partition = self._partition_of.get((topic, key))
        if partition is None:
            partitions = self._partitions[topic]
            partition = self._partition_of[topic, key] = _partitioner(key.encode(), partitions, partitions)
        return partition

    def _count(self, topic: str, events: int) -> None:
        self.published[topic] += events
        PUBLISHED.labels(topic).inc(events)


@asynccontextmanager
async def open_publisher(bootstrap: str, *, linger_ms: int = 20) -> AsyncIterator[Publisher]:
    """A publisher on the brokers at `bootstrap`; on leaving it is flushed and closed, as far as they let it.

    `linger_ms`: how long a message waits for others to share its way. Raises `KafkaConnectionError` where no broker
    answers.
    """
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        enable_idempotence=True,
        acks="all",
        compression_type="lz4",
        linger_ms=linger_ms,
        max_batch_size=131_072,
    )
    try:
        await producer.start()
        yield Publisher(producer)
    finally:
        await _close(producer)


async def _close(producer: AIOKafkaProducer) -> None:
    """Stop the producer, whose own way waits for ever where Kafka is away."""
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await producer.stop()
    except TimeoutError:
        log.warning("publisher.unacknowledged", waited_s=CLOSE_SECONDS)
        producer._sender.sender_task.cancel()
        await producer.client.close()


def _not_delivered(failure: BaseException) -> NotDelivered:
    return NotDelivered(f"Kafka did not take what was sent ({failure!r}): see its log, and send it again.")
