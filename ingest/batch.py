"""A batch of Kafka messages, decoded: what can be stored, by kind, and what cannot, with its reason."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from aiokafka import ConsumerRecord

from schema import topics
from schema.events import Event, EventT, check_time, decode
from schema.retention import Retention
from urbanclear.errors import InvalidEvent
from urbanclear.settings import Settings

STORED = (topics.SENSORS, topics.READINGS, topics.INCIDENTS, topics.WEATHER)
_EVENT_OF = {topic.name: topic.event for topic in STORED if topic.event is not None}


@dataclass(frozen=True)
class Message:
    """A decoded event and the message it came in, kept in case the database refuses it."""

    event: Event
    record: ConsumerRecord


@dataclass(frozen=True)
class DeadLetter:
    """A message that cannot be stored."""

    record: ConsumerRecord
    reason: str
    detail: str


@dataclass
class Batch:
    """Messages of one transaction, in the order Kafka gave them."""

    messages: list[Message] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)


def read(records: Iterable[ConsumerRecord], settings: Settings, now: datetime) -> Batch:
    """Decode and check `records`; none is lost: each ends in `messages` or in `dead`."""
    batch = Batch()
    oldest = {topic.name: settings.oldest_time for topic in STORED}
    oldest[topics.READINGS.name] = max(settings.oldest_time, Retention.of(settings).oldest_reading())
    for record in records:
        try:
            event = decode(_EVENT_OF[record.topic], record.value or b"")
            check_time(event, now=now, oldest=oldest[record.topic], future_tolerance=settings.future_tolerance)
        except InvalidEvent as error:
            batch.dead.append(DeadLetter(record, error.reason, error.detail))
        else:
            batch.messages.append(Message(event, record))
    return batch


def of_kind(messages: Iterable[Message], kind: type[EventT]) -> list[EventT]:
    """The events of one kind, in order."""
    return [message.event for message in messages if isinstance(message.event, kind)]
