"""Where every feed hands its events over: an idempotent Kafka producer, keyed so that a sensor stays in order."""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import DefaultPartitioner
from prometheus_client import Counter as MetricCounter

from schema import topics
from schema.events import Event, Reading, encode, encode_readings

MOST_READINGS: Final = 2_000  # in a message: about 300 kB, a third of what a broker takes by default

PUBLISHED = MetricCounter("urbanclear_ingest_published_total", "Events handed to Kafka by sources", ["topic"])
REFUSED = MetricCounter(
    "urbanclear_ingest_source_refused_total", "Input rows a source could not use, by reason", ["reason"]
)

_partitioner = DefaultPartitioner()
_TOPIC_OF = {topic.event: topic.name for topic in topics.ALL if topic.event is not None}


class Publisher:
    """Publishes events to the topic that carries them.

    `publish` returns once the event is in the producer's buffer and waits while that is full; `flush` returns once
    all are acknowledged by the brokers. `published` and `refused` are the ledger of this run.
    """

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer
        self._partitions: list[int] = []
        self._partition_of: dict[str, int] = {}
        self.published: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    async def publish(self, event: Event) -> None:
        """Send `event`, keyed by its own key, to its topic."""
        topic = _TOPIC_OF[type(event)]
        await self._producer.send(topic, encode(event), key=event.key.encode())
        self._count(topic, 1)

    async def publish_readings(self, readings: Iterable[Reading]) -> None:
        """Send what one poll of a feed brought as one message a partition, each sensor to the partition of its own.

        As `publish`, and many times cheaper to carry and to store than a message for each reading.
        """
        await self._learn_partitions()
        shares: defaultdict[int, list[Reading]] = defaultdict(list)
        for reading in readings:
            shares[self._partition(reading.sensor)].append(reading)
        for partition, share in shares.items():
            for start in range(0, len(share), MOST_READINGS):
                await self._send_batch(partition, share[start : start + MOST_READINGS])

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

    async def _send_batch(self, partition: int, batch: list[Reading]) -> None:
        topic, key = topics.READINGS.name, batch[0].key.encode()
        await self._producer.send(topic, encode_readings(batch), key=key, partition=partition)
        self._count(topic, len(batch))

    async def _learn_partitions(self) -> None:
        partitions = sorted(await self._producer.partitions_for(topics.READINGS.name))
        if partitions != self._partitions:
            self._partitions = partitions
            self._partition_of.clear()

    def _partition(self, sensor: str) -> int:
        """Where Kafka's own rule puts messages with the sensor's key."""
        partition = self._partition_of.get(sensor)
        if partition is None:
            partition = _partitioner(sensor.encode(), self._partitions, self._partitions)
            self._partition_of[sensor] = partition
        return partition

    def _count(self, topic: str, events: int) -> None:
        self.published[topic] += events
        PUBLISHED.labels(topic).inc(events)


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
