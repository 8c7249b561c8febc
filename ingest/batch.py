"""A batch of Kafka messages, decoded: readings as columns, other events as they are, and what cannot be stored.

Messages are decoded quickly first. Wherever that finds anything amiss, the reading in question is looked at again by
the contract in `schema.events`, which alone decides and gives the reason.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import msgspec
import numpy as np
from aiokafka import ConsumerRecord, TopicPartition

from ingest.readings import UNUSABLE, Readings, Row, columns, decode_rows, microseconds
from ingest.registry import NO_SENSOR, Registry
from schema import topics
from schema.events import UNREADABLE, Event, Reading, check_time, decode
from schema.retention import Retention
from urbanclear.errors import InvalidEvent
from urbanclear.settings import Settings

STORED: Final = (topics.SENSORS, topics.READINGS, topics.INCIDENTS, topics.WEATHER)
Polled = Mapping[TopicPartition, Sequence[ConsumerRecord]]
_ORDER: Final = {topic.name: rank for rank, topic in enumerate(STORED)}


@dataclass(frozen=True)
class Message:
    """A decoded event and the message it came in, kept in case the database refuses it."""

    event: Event
    record: ConsumerRecord


@dataclass(frozen=True)
class DeadLetter:
    """What cannot be stored: a message, or the reading `item` of one that carries several; `value` are its bytes."""

    record: ConsumerRecord
    value: bytes
    reason: str
    detail: str
    item: int | None = None

    @property
    def place(self) -> TopicPartition:
        """The partition it came from."""
        return TopicPartition(self.record.topic, self.record.partition)

    @property
    def origin(self) -> str:
        """Where it stood: topic, partition and offset, and its number within the message."""
        record = self.record
        item = "" if self.item is None else f"/{self.item}"
        return f"{record.topic}/{record.partition}/{record.offset}{item}"


class Carriers:
    """The messages that readings came in: tells of each reading in which it was, and where there."""

    def __init__(self) -> None:
        self._records: list[ConsumerRecord] = []
        self._ends: list[int] = [0]
        self._opened: tuple[ConsumerRecord | None, list[msgspec.Raw] | None] = (None, None)

    def add(self, record: ConsumerRecord, readings: int) -> None:
        """The next message, and how many readings it holds."""
        self._records.append(record)
        self._ends.append(self._ends[-1] + readings)

    def letter(self, row: int, reason: str, detail: str) -> DeadLetter:
        """A reading as a dead letter."""
        record, item, value = self._source_of(row)
        return DeadLetter(record, value, reason, detail, item)

    def value(self, row: int) -> bytes:
        """A reading as it came."""
        return self._source_of(row)[2]

    def _source_of(self, row: int) -> tuple[ConsumerRecord, int | None, bytes]:
        number = bisect_right(self._ends, row) - 1
        record = self._records[number]
        if self._opened[0] is not record:
            self._opened = record, _elements(record)
        elements = self._opened[1]
        if elements is None:
            return record, None, record.value or b""
        item = row - self._ends[number]
        return record, item, bytes(elements[item])


@dataclass
class Batch:
    """Messages of one transaction."""

    readings: Readings
    carriers: Carriers = field(default_factory=Carriers)  # of the readings
    messages: list[Message] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)
    offsets: dict[TopicPartition, int] = field(default_factory=dict)  # next to be read
    published_ms: int | None = None  # the first of its messages, by Kafka's clock

    def __len__(self) -> int:
        """Readings and other events."""
        return len(self.readings) + len(self.messages)


class Reader:
    """Decodes what is polled, with the sensors of `registry`."""

    def __init__(self, settings: Settings, registry: Registry) -> None:
        self._settings = settings
        self._registry = registry
        self._retention = Retention.of(settings)

    def read(self, polled: Polled, now: datetime) -> Batch:
        """Decode and check; nothing is lost: each event ends in `readings`, in `messages` or in `dead`.

        Sensors come first, so that readings of the same batch find theirs described.
        """
        batch, rows = Batch(columns([], [])), list[Row]()
        for place in sorted(polled, key=lambda place: _ORDER[place.topic]):
            records = polled[place]
            batch.offsets[place] = records[-1].offset + 1
            if place.topic == topics.READINGS.name:
                self._read_rows(records, rows, batch.carriers)
            else:
                self._read_events(records, batch, now)
        batch.published_ms = min(records[0].timestamp for records in polled.values())
        batch.readings = self._checked(rows, batch, now, self._retention.oldest_accepted(self._settings))
        return batch

    def _read_events(self, records: Sequence[ConsumerRecord], batch: Batch, now: datetime) -> None:
        for record in records:
            try:
                event = decode(topics.event_of(record.topic), record.value or b"")
                self._check_time(event, now, self._settings.oldest_time)
            except InvalidEvent as error:
                batch.dead.append(DeadLetter(record, record.value or b"", error.reason, error.detail))
            else:
                batch.messages.append(Message(event, record))

    def _read_rows(self, records: Sequence[ConsumerRecord], rows: list[Row], carriers: Carriers) -> None:
        try:
            messages = [decode_rows(record.value or b"") for record in records]
        except UNREADABLE:
            messages = [_one_by_one(record) for record in records]
        for record, message in zip(records, messages, strict=True):
            if isinstance(message, list):
                rows += message
                carriers.add(record, len(message))
            else:
                rows.append(message)
                carriers.add(record, 1)

    def _checked(self, rows: list[Row], batch: Batch, now: datetime, oldest: datetime) -> Readings:
        """The columns of those that pass."""
        readings = columns(rows, self._registry.places_of([row.sensor for row in rows]))
        passes = (
            (readings.sensors != NO_SENSOR)
            & (readings.times >= microseconds(oldest))
            & (readings.times <= microseconds(now + self._settings.future_tolerance))
            & ~np.isnan(readings.measures).all(axis=0)
        )
        if passes.all():
            return readings
        for row in np.flatnonzero(~passes):
            passes[row] = self._passes(int(row), batch, now, oldest)
        return readings.take(passes)

    def _passes(self, row: int, batch: Batch, now: datetime, oldest: datetime) -> bool:
        """Whether a reading that looks wrong is one after all; if not, it becomes a dead letter."""
        try:
            reading = decode(Reading, batch.carriers.value(row))
            self._check_time(reading, now, oldest)
        except InvalidEvent as error:
            batch.dead.append(batch.carriers.letter(row, error.reason, error.detail))
            return False
        return True

    def _check_time(self, event: Event, now: datetime, oldest: datetime) -> None:
        check_time(event, now=now, oldest=oldest, future_tolerance=self._settings.future_tolerance)


def _elements(record: ConsumerRecord) -> list[msgspec.Raw] | None:
    """What a message that carries a list holds; None for any other."""
    try:
        return msgspec.json.decode(record.value or b"", type=list[msgspec.Raw])
    except UNREADABLE:
        return None


def _one_by_one(record: ConsumerRecord) -> Row | list[Row]:
    """The readings of a message that may hold what is none."""
    elements = _elements(record)
    return _row(record.value or b"") if elements is None else list(map(_row, elements))


def _row(element: msgspec.Raw | bytes) -> Row:
    """One reading of a list; whatever is none is told by `Reader._passes`."""
    try:
        found = decode_rows(bytes(element))
    except UNREADABLE:
        return UNUSABLE
    return UNUSABLE if isinstance(found, list) else found
