"""Reads a topic from a time on to where it ends now, or one message of it; only what was committed."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from urbanclear.errors import KafkaAway

POLL_MS: Final = 200
PATIENCE_SECONDS: Final = 30.0


class TopicReader:
    """Reads in memory that does not grow with the topic. Not for use by two tasks at once."""

    def __init__(self, consumer: AIOKafkaConsumer, topic: str) -> None:
        self._consumer = consumer
        self._topic = topic

    async def records(self, since: datetime | None = None) -> AsyncIterator[ConsumerRecord]:
        """All messages, each partition's in order, up to those that are there when this is called.

        `since`: leave out what was written before. Raises `KafkaAway` when nothing comes any more.
        """
        places = list(self._consumer.assignment())
        ends = await self._consumer.end_offsets(places)
        starts = await self._starts(places, ends, since)
        for place, start in starts.items():
            self._consumer.seek(place, start)
        left = [place for place in places if starts[place] < ends[place]]
        while left:
            for record in await self._poll(left):
                if record.offset < ends[TopicPartition(record.topic, record.partition)]:
                    yield record
            left = [place for place in left if await self._consumer.position(place) < ends[place]]

    async def record_at(self, partition: int, offset: int) -> ConsumerRecord | None:
        """The message at an offset; None where there is none (any more)."""
        place = TopicPartition(self._topic, partition)
        if place not in self._consumer.assignment():
            return None
        [begin] = (await self._consumer.beginning_offsets([place])).values()
        [end] = (await self._consumer.end_offsets([place])).values()
        if not begin <= offset < end:
            return None
        self._consumer.seek(place, offset)
        while await self._consumer.position(place) <= offset:
            for record in await self._poll([place], most=1):
                return record if record.offset == offset else None
        return None

    async def _starts(
        self, places: list[TopicPartition], ends: dict[TopicPartition, int], since: datetime | None
    ) -> dict[TopicPartition, int]:
        if since is None:
            starts: dict[TopicPartition, int] = await self._consumer.beginning_offsets(places)
            return starts
        return await offsets_since(self._consumer, since, ends)

    async def _poll(self, places: list[TopicPartition], most: int | None = None) -> list[ConsumerRecord]:
        """Some messages; none where there was only what Kafka itself wrote, such as the end of a transaction."""
        before = [await self._consumer.position(place) for place in places]
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while True:
                    polled = await self._consumer.getmany(*places, timeout_ms=POLL_MS, max_records=most)
                    if polled or before != [await self._consumer.position(place) for place in places]:
                        return [record for records in polled.values() for record in records]
        except TimeoutError:
            raise KafkaAway(
                f"Kafka gives nothing of {self._topic} for {PATIENCE_SECONDS:.0f} s: see the brokers' log."
            ) from None


async def offsets_since(
    consumer: AIOKafkaConsumer, since: datetime, ends: Mapping[TopicPartition, int]
) -> dict[TopicPartition, int]:
    """By partition the first message written at `since` or later; its end, of `ends`, where there is none."""
    found = await consumer.offsets_for_times(dict.fromkeys(ends, int(since.timestamp() * 1_000)))
    return {place: ends[place] if at is None else at.offset for place, at in found.items()}


@asynccontextmanager
async def open_reader(bootstrap: str, topic: str) -> AsyncIterator[TopicReader]:
    """A reader of `topic`, of no consumer group; raises `KafkaConnectionError` where no broker answers."""
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id=None,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
    try:
        await consumer.start()
        yield TopicReader(consumer, topic)
    finally:
        await consumer.stop()
