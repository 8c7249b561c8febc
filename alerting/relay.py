"""Tells Kafka of alerts: every change that is kept and not yet told, in order, whoever wrote it.

At least once: what was told is noted after Kafka has it, so that a process that is killed in between tells it again.
An event has its alert's `revision`, by which a repeat is known.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from sqlalchemy import Row, func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from alerting.metrics import PUBLISHED
from schema.tables import alert_events
from schema.topics import ALERTS
from urbanclear.logs import get_logger
from urbanclear.serving import stopped_within

AT_ONCE: Final = 500
LOOKS_EACH: Final = 1.0  # seconds: what the API writes is found by looking
RETRIES_AFTER: Final = 5.0  # seconds

log = get_logger("alerting")


class Relay:
    """From `alert_events` to the topic."""

    def __init__(self, engine: AsyncEngine, bootstrap: str) -> None:
        self._engine, self._bootstrap = engine, bootstrap

    async def run(self, stop: asyncio.Event) -> None:
        """Tell until `stop` is set; Kafka away is logged and waited for."""
        while not stop.is_set():
            try:
                async with AIOKafkaProducer(bootstrap_servers=self._bootstrap, acks="all") as producer:
                    while not stop.is_set():
                        if not await self.tell(producer):
                            await stopped_within(stop, LOOKS_EACH)
            except (KafkaError, OSError) as error:
                log.warning("alerting.kafka_away", error=str(error), retry_in_s=RETRIES_AFTER)
                await stopped_within(stop, RETRIES_AFTER)

    async def tell(self, producer: AIOKafkaProducer) -> int:
        """Tell what is there to be told, some of it; how many events that was."""
        rows = await self._untold()
        if rows:
            sent = [
                await producer.send(ALERTS.name, msgspec.json.encode(row.event), key=row.alert_id.encode())
                for row in rows
            ]
            await asyncio.gather(*sent)
            telling = update(alert_events).where(alert_events.c.id.in_([row.id for row in rows]))
            async with self._engine.begin() as connection:
                await connection.execute(telling.values(published_at=func.now()))
            PUBLISHED.inc(len(rows))
        return len(rows)

    async def _untold(self) -> Sequence[Row[Any, Any, Any]]:
        untold = (
            select(alert_events.c.id, alert_events.c.alert_id, alert_events.c.event)
            .where(alert_events.c.event.is_not(None), alert_events.c.published_at.is_(None))
            .order_by(alert_events.c.id)
            .limit(AT_ONCE)
        )
        async with self._engine.connect() as connection:
            return (await connection.execute(untold)).all()
