"""What Kafka holds in the end: the messages sent, the dead letters, and how far ingest has come."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from bench.chaos.ledger import Delivered, Letter
from schema import topics
from urbanclear.errors import UrbanclearError

NUMBER_HEADER: Final = "number"
PAUSE_SECONDS: Final = 0.25
READ_SECONDS: Final = 60.0


async def settled(bootstrap: str, group: str, patience_s: float) -> dict[TopicPartition, int]:
    """Wait until ingest has committed all that is in the topic.

    Gives up once it has not moved for `patience_s`; returns how many messages are left then, by partition.
    """
    left: dict[TopicPartition, int] = {}
    moved_at = time.monotonic()
    while time.monotonic() < moved_at + patience_s:
        try:
            found = await _left(bootstrap, group)
        except KafkaError:  # a broker that has only just come back
            await asyncio.sleep(PAUSE_SECONDS)
            continue
        if not found:
            return {}
        if found != left:
            left, moved_at = found, time.monotonic()
        await asyncio.sleep(PAUSE_SECONDS)
    return left


async def messages(bootstrap: str) -> AsyncIterator[Delivered]:
    """All messages of the topic of readings, each partition's in order."""
    async for record in _records(bootstrap, topics.READINGS.name, "read_uncommitted"):
        number = dict(record.headers).get(NUMBER_HEADER)
        yield Delivered(record.partition, record.offset, int(number) if number else None, record.value)


async def letters(bootstrap: str) -> AsyncIterator[Letter]:
    """All dead letters that whoever reads what is committed is given."""
    async for record in _records(bootstrap, topics.DEAD_LETTERS.name, "read_committed"):
        headers = {name: value.decode() for name, value in record.headers}
        yield Letter(headers.get("origin", "nowhere"), headers.get("reason", "none"), record.value or b"")


async def _records(bootstrap: str, topic: str, isolation_level: str) -> AsyncIterator[ConsumerRecord]:
    """Up to what is the end now; raises `UrbanclearError` when that is not reached."""
    async with _consumer(bootstrap, topic, isolation_level) as consumer:
        ends = await consumer.end_offsets(list(consumer.assignment()))
        deadline = time.monotonic() + READ_SECONDS
        while [place for place, end in ends.items() if await consumer.position(place) < end]:
            polled = await consumer.getmany(timeout_ms=200)
            for records in polled.values():
                for record in records:
                    yield record
            if polled:
                deadline = time.monotonic() + READ_SECONDS
            elif time.monotonic() > deadline:
                raise UrbanclearError(
                    f"{topic} could not be read to its end: see with --keep which transaction in it is still open."
                )


@asynccontextmanager
async def _consumer(bootstrap: str, topic: str, isolation_level: str) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, isolation_level=isolation_level, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        partitions = await _partitions(bootstrap, topic)
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        yield consumer
    finally:
        await consumer.stop()


@asynccontextmanager
async def _admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


async def _partitions(bootstrap: str, topic: str) -> list[TopicPartition]:
    async with _admin(bootstrap) as admin:
        [described] = await admin.describe_topics([topic])
    return [TopicPartition(topic, one["partition"]) for one in described["partitions"]]


async def _left(bootstrap: str, group: str) -> dict[TopicPartition, int]:
    partitions = await _partitions(bootstrap, topics.READINGS.name)
    async with _admin(bootstrap) as admin:
        committed: Mapping[TopicPartition, object] = await admin.list_consumer_group_offsets(group)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        ends = await consumer.end_offsets(partitions)
    finally:
        await consumer.stop()
    done = {place: int(getattr(committed.get(place), "offset", 0)) for place in partitions}
    return {place: end - done[place] for place, end in ends.items() if end > done[place]}
