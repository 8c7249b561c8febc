"""Where every source hands its events over: an idempotent Kafka producer, keyed so that a sensor stays in order."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaProducer
from prometheus_client import Counter as MetricCounter

from schema import topics
from schema.events import Event, encode

PUBLISHED = MetricCounter("urbanclear_ingest_published_total", "Events handed to Kafka by sources", ["topic"])
REFUSED = MetricCounter(
    "urbanclear_ingest_source_refused_total", "Input rows a source could not use, by reason", ["reason"]
)

_TOPIC_OF = {topic.event: topic.name for topic in topics.ALL if topic.event is not None}


class Publisher:
    """Publishes events to the topic that carries them.

    `publish` returns once the event is in the producer's buffer and waits while that is full; `flush` returns once
    all are acknowledged by the brokers. `published` and `refused` are the ledger of this run.
    """

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer
        self.published: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    async def publish(self, event: Event) -> None:
        """Send `event`, keyed by its own key, to its topic."""
        topic = _TOPIC_OF[type(event)]
        await self._producer.send(topic, encode(event), key=event.key.encode())
        self.published[topic] += 1
        PUBLISHED.labels(topic).inc()

    async def reject(self, origin: str, row: bytes, reason: str) -> None:
        """Send an input row that cannot be an event to the dead letters, with its reason and where it came from."""
        headers = [("reason", reason.encode()), ("origin", origin.encode())]
        await self._producer.send(topics.DEAD_LETTERS.name, row, key=origin.encode(), headers=headers)
        self.count_refused(reason)

    def count_refused(self, reason: str, rows: int = 1) -> None:
        """Account for rows that carry no observation by the feed's own word (a status of "no data")."""
        self.refused[reason] += rows
        REFUSED.labels(reason).inc(rows)

    async def flush(self) -> None:
        """Wait until the brokers have acknowledged everything published so far."""
        await self._producer.flush()


@asynccontextmanager
async def open_publisher(bootstrap: str) -> AsyncIterator[Publisher]:
    """A publisher on the brokers at `bootstrap`; flushed and closed on leaving."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        enable_idempotence=True,
        acks="all",
        compression_type="lz4",
        linger_ms=20,
        max_batch_size=131_072,
    )
    await producer.start()
    try:
        yield Publisher(producer)
    finally:
        await producer.stop()
