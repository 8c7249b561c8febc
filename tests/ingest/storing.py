"""Stores events as ingest does, without Kafka, for tests that are about what comes of them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from aiokafka import ConsumerRecord, TopicPartition

from ingest.batch import DeadLetter, Reader
from ingest.connection import Connection
from ingest.flags import Rules, flag, in_doubt, in_key_order
from ingest.readings import microseconds
from ingest.registry import Registry
from ingest.writer import Latest, Rows, Transaction, Writer
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
        ordered = in_key_order(batch.readings, self._registry)
        doubted = in_doubt(ordered, self._registry)
        flags = flag(ordered, self._registry, NO_RULES, microseconds(datetime.now(UTC)))
        rows = Rows(ordered, self._registry.state["id"][ordered.sensors], flags)
        self._registry.see(ordered)
        refused = await self._writer.store(Transaction.of(batch, rows, batch.messages))
        await self._latest.settle(self._registry, doubted)
        for one in refused:
            await self._latest.forget(self._registry, one.readings)
        await self._latest.note(self._registry)
        return [*batch.dead, *(one.letter for one in refused)]
