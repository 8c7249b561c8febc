"""Stores events as ingest does, without Kafka, for tests that are about what comes of them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from aiokafka import ConsumerRecord, TopicPartition

from ingest.batch import DeadLetter, Reader
from ingest.connection import Connection
from ingest.flags import Rules
from ingest.latest import Latest
from ingest.preparing import doubts, prepare
from ingest.readings import microseconds
from ingest.registry import Registry
from ingest.writer import Writer
from schema import topics
from schema.events import Event, Reading, encode, encode_readings
from urbanclear.settings import Settings

NO_RULES = Rules(stuck_after=None, late_after=None)
_TOPIC_OF = {topic.event: topic.name for topic in topics.ALL}


def record(topic: str, value: bytes, offset: int) -> ConsumerRecord:
    return ConsumerRecord(topic, 0, offset, 0, 0, None, value, None, 0, len(value), ())


class Store:
    """The way of a batch through ingest; only implausible readings are flagged."""

    def __init__(self, url: str) -> None:
        self._registry = Registry()
        self._writer, self._latest = Writer(url), Latest(url)
        self._reader = Reader(Settings(), self._registry)
        self._lookups = Connection(url)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        for connection in (self._lookups, self._writer, self._latest):
            await connection.close()

    async def store(self, events: Sequence[Event]) -> list[DeadLetter]:
        """All in one transaction; readings are those of one message. Returns what could not be stored."""
        readings = [event for event in events if isinstance(event, Reading)]
        values = [(topics.READINGS.name, encode_readings(readings))] if readings else []
        values += [(_TOPIC_OF[type(event)], encode(event)) for event in events if not isinstance(event, Reading)]
        records: dict[TopicPartition, list[ConsumerRecord]] = {}
        for offset, (topic, value) in enumerate(values):
            records.setdefault(TopicPartition(topic, 0), []).append(record(topic, value, offset))
        if not records:
            return []
        batch = self._reader.read(records, datetime.now(UTC))
        unloaded = self._registry.unloaded(batch.readings.sensors)
        await self._registry.load(await self._lookups.get(), unloaded)
        prepared = prepare(batch, self._registry, NO_RULES, microseconds(datetime.now(UTC)))
        refused = await self._writer.store(prepared.transaction)
        newest, doubted = doubts(prepared, refused, self._registry)
        self._latest.add(newest)
        await self._latest.settle(self._registry, doubted)
        await self._latest.note()
        return [*batch.dead, *(one.letter for one in refused)]
