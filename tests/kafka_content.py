"""What is in Kafka now."""

from aiokafka import AIOKafkaConsumer

from schema import topics
from schema.events import EventT
from schema.topics import decode_message


async def read_all(bootstrap: str, kind: type[EventT]) -> list[EventT]:
    """All events of one kind, each partition's in order of their offsets."""
    [name] = [topic.name for topic in topics.ALL if topic.event is kind]
    consumer = AIOKafkaConsumer(name, bootstrap_servers=bootstrap, group_id=None, auto_offset_reset="earliest")
    await consumer.start()
    try:
        ends = await consumer.end_offsets(list(consumer.assignment()))
        begins = await consumer.beginning_offsets(list(ends))
        left = {place for place, end in ends.items() if end > begins[place]}
        events = []
        while left:
            for place, records in (await consumer.getmany(timeout_ms=500)).items():
                events += [(place.partition, record.offset, record.value) for record in records]
                if records[-1].offset + 1 >= ends[place]:
                    left.discard(place)
    finally:
        await consumer.stop()
    ordered = sorted(events, key=lambda event: event[:2])
    return [event for *_, value in ordered for event in decode_message(name, value or b"") if isinstance(event, kind)]
