"""What is in Kafka now."""

from aiokafka import AIOKafkaConsumer, ConsumerRecord

from schema import topics
from schema.events import EventT
from schema.topics import Topic, decode_message


async def read_all(bootstrap: str, kind: type[EventT]) -> list[EventT]:
    """All events of one kind, each partition's in order of their offsets."""
    [topic] = [topic for topic in topics.ALL if topic.event is kind]
    records = await read_raw(bootstrap, topic)
    return [
        event
        for record in records
        for event in decode_message(topic.name, record.value or b"")
        if isinstance(event, kind)
    ]


async def read_raw(bootstrap: str, topic: Topic) -> list[ConsumerRecord]:
    """All messages of a topic, each partition's in order of their offsets."""
    consumer = AIOKafkaConsumer(topic.name, bootstrap_servers=bootstrap, group_id=None, auto_offset_reset="earliest")
    await consumer.start()
    try:
        ends = await consumer.end_offsets(list(consumer.assignment()))
        begins = await consumer.beginning_offsets(list(ends))
        left = {place for place, end in ends.items() if end > begins[place]}
        found = []
        while left:
            for place, records in (await consumer.getmany(timeout_ms=500)).items():
                found += records
                if records[-1].offset + 1 >= ends[place]:
                    left.discard(place)
    finally:
        await consumer.stop()
    return sorted(found, key=lambda record: (record.partition, record.offset))
