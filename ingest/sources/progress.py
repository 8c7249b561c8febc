"""How far a source has come, by Kafka's own account: what lets one go on after a restart with no file of its own."""

from collections.abc import AsyncIterator
from datetime import datetime

from aiokafka import AIOKafkaConsumer, TopicPartition

from schema import topics
from schema.events import Event, decode_readings
from schema.topic_reader import open_reader
from schema.topics import Topic, decode_message
from urbanclear.errors import InvalidEvent

READ_MS = 5_000


async def last_published(bootstrap: str, prefix: str) -> datetime | None:
    """The newest time among each partition's last readings whose sensor begins with `prefix`; None: there is none.

    None, or too early a time, costs only work: what is published again is stored once.
    """
    consumer = AIOKafkaConsumer(topics.READINGS.name, bootstrap_servers=bootstrap, group_id=None)
    await consumer.start()
    try:
        places = list(consumer.assignment())
        begins, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
        filled = [place for place in places if ends[place] > begins[place]]
        times = [await _last_time(consumer, place, ends[place], prefix) for place in filled]
    finally:
        await consumer.stop()
    return max((time for time in times if time is not None), default=None)


async def published(bootstrap: str, topic: Topic, prefix: str, since: datetime | None = None) -> AsyncIterator[Event]:
    """All events of a topic whose key begins with `prefix`, each partition's in order.

    `since`: leave out what was published before.
    """
    async with open_reader(bootstrap, topic.name) as reader:
        async for record in reader.records(since):
            for event in _events(topic, record.value or b"", prefix):
                yield event


def _events(topic: Topic, value: bytes, prefix: str) -> list[Event]:
    if prefix.encode() not in value:  # far cheaper than to decode what others publish
        return []
    try:
        return [event for event in decode_message(topic.name, value) if event.key.startswith(prefix)]
    except InvalidEvent:
        return []


async def _last_time(consumer: AIOKafkaConsumer, place: TopicPartition, end: int, prefix: str) -> datetime | None:
    consumer.seek(place, end - 1)
    records = (await consumer.getmany(place, timeout_ms=READ_MS)).get(place, [])
    try:
        readings = [reading for record in records for reading in decode_readings(record.value or b"")]
    except InvalidEvent:
        return None
    return max((reading.time for reading in readings if reading.sensor.startswith(prefix)), default=None)
