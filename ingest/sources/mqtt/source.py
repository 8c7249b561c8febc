"""An MQTT broker as a source: connect, take what comes, publish it, and acknowledge it once Kafka has it.

    connect ─► messages, MOST_IN_FLIGHT at most ─► Kafka ─► acknowledge
       ▲                      └─► lost: back off with jitter

Whatever ends this process or either server, each message is either acknowledged or sent again by the broker. What is
sent again is published again, and stored once.
"""

import asyncio
import random
from collections.abc import Sequence
from typing import Final

from aiomqtt import Message, MqttError, Wildcard

from ingest.sources.live.breaker import Draw, full_jitter_s
from ingest.sources.mqtt import metrics
from ingest.sources.mqtt.broker import Broker, Connection, connected
from ingest.sources.mqtt.payload import SensorLevel, readings_of
from schema.events import Reading
from schema.publisher import Publisher
from schema.submitted import check_by_clock
from urbanclear.errors import ConfigurationError
from urbanclear.logs import get_logger
from urbanclear.serving import unless_stopped
from urbanclear.settings import Settings

log = get_logger("source")

LONGEST_WAIT_SECONDS: Final = 30.0


def up_to_longest(least: float, most: float) -> float:
    """Any wait between `least` and `most`, or the longest."""
    return random.uniform(least, min(most, LONGEST_WAIT_SECONDS))  # noqa: S311


class MqttSource:
    """Takes what matches the filter `topic`; `level` says how the topic names the sensor, where it does."""

    def __init__(
        self,
        broker: Broker,
        topic: str,
        settings: Settings,
        *,
        level: SensorLevel | None = None,
        draw: Draw = up_to_longest,
    ) -> None:
        """Raises `ConfigurationError` where `topic` is no filter."""
        try:
            Wildcard(topic)
        except ValueError:
            raise ConfigurationError(f"{topic!r} is no filter of topics: say --topic 'city/+/readings'.") from None
        self._broker = broker
        self._topic = topic
        self._settings = settings
        self._level = level
        self._draw = draw
        self._failures = 0  # in a row

    async def run(self, publisher: Publisher, stop: asyncio.Event) -> None:
        """Until `stop` is set; raises `SourceError` when the broker refuses, and `NotDelivered` when Kafka does."""
        await unless_stopped(self._stay_connected(publisher), stop)

    async def _stay_connected(self, publisher: Publisher) -> None:
        secret = self._settings.mqtt_password
        password = None if secret is None else secret.get_secret_value()
        while True:
            try:
                async with connected(self._broker, self._topic, password) as connection:
                    await self._take(connection, publisher)
            except MqttError as error:
                await self._back_off(error)

    async def _take(self, connection: Connection, publisher: Publisher) -> None:
        self._failures = 0
        log.info("mqtt.connected", host=self._broker.host, port=self._broker.port, topic=self._topic)
        metrics.CONNECTIONS.set(1)
        try:
            while True:
                messages = await connection.next_batch()
                await self._publish(messages, publisher)
                for message in messages:
                    connection.acknowledge(message)
                metrics.MESSAGES.inc(len(messages))
        finally:
            metrics.CONNECTIONS.set(0)

    async def _publish(self, messages: Sequence[Message], publisher: Publisher) -> None:
        """Return once Kafka holds the readings in `messages`, and the rest as dead letters."""
        check = check_by_clock(self._settings)
        readings: list[Reading] = []
        for message in messages:
            topic = str(message.topic)
            found = readings_of(topic, _bytes(message.payload), self._level, check)
            readings += found.readings
            for part in found.rejected:
                log.warning("mqtt.item_rejected", topic=topic, reason=part.reason, detail=part.detail)
                await publisher.reject(f"mqtt:{topic}", part.item, part.reason, part.detail)
        await publisher.publish_readings(readings)
        await publisher.flush()

    async def _back_off(self, error: MqttError) -> None:
        self._failures += 1
        metrics.INTERRUPTIONS.inc()
        wait = full_jitter_s(self._failures, self._draw)
        log.warning("mqtt.interrupted", host=self._broker.host, error=str(error), retry_in_s=round(wait, 1))
        await asyncio.sleep(wait)


def _bytes(payload: object) -> bytes:
    """As every payload comes over the wire."""
    assert isinstance(payload, bytes)  # noqa: S101
    return payload
