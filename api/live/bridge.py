"""Kafka to the hub: what live clients are told comes from here, not from polling the database.

On start each topic is read from some minutes back, which fills the log for clients that come back. The newest state
is read from the database once the end is reached, so that nothing falls between the two. Those who subscribed before
that are then told everything anew.
"""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from sqlalchemy.exc import DBAPIError

from api.database import Database
from api.live import items, metrics
from api.live.hub import Hub
from api.live.loading import Places, load
from api.live.topic import Topic
from schema import topics
from schema.events import Event, Sensor, check_time
from schema.topics import decode_message
from urbanclear.errors import InvalidEvent
from urbanclear.logs import get_logger
from urbanclear.settings import Settings

log = get_logger("api")

RETRY_SECONDS: Final = 2.0
FETCH_WAIT_MS: Final = 50  # brokers answer an empty fetch after this; longer was seen to delay what came meanwhile
MOST_RECORDS: Final = 2_000
NAMES: Final = {
    topics.READINGS.name: items.TRAFFIC,
    topics.INCIDENTS.name: items.INCIDENTS,
    topics.PREDICTIONS.name: items.PREDICTIONS,
    topics.ALERTS.name: items.ALERTS,
}


def new_hub(settings: Settings) -> Hub:
    """A hub with the topics that the bridge fills."""
    limits: dict[str, Any] = {
        "most_logged": settings.live_log_events,
        "logged_seconds": settings.live_log_age.total_seconds(),
    }
    states = (items.TRAFFIC, items.PREDICTIONS)
    events = {items.INCIDENTS: items.MOST_INCIDENTS, items.ALERTS: items.MOST_ALERTS}
    found = [Topic(name, is_state=True, **limits) for name in states]
    found += [Topic(name, is_state=False, most_items=most, **limits) for name, most in events.items()]
    return Hub(found, most_groups=settings.live_groups)


class Bridge:
    """Keeps `hub` up to date until cancelled."""

    def __init__(self, hub: Hub, database: Database, bootstrap: str, settings: Settings) -> None:
        self.connected = False
        self._hub = hub
        self._database = database
        self._bootstrap = bootstrap
        self._settings = settings
        self._places = Places()
        self._begun_anew: set[str] = set()

    async def run(self) -> None:
        """Follow Kafka for ever; goes on from where it was when Kafka or the database was away."""
        while True:
            try:
                await self._follow()
            except (KafkaError, DBAPIError, OSError) as error:
                log.warning("bridge.interrupted", error=str(error).splitlines()[0], retry_in_s=RETRY_SECONDS)
            finally:
                self.connected = False
                metrics.CONNECTED.set(0)
            await asyncio.sleep(RETRY_SECONDS)

    async def _follow(self) -> None:
        consumer = AIOKafkaConsumer(
            *(topics.SENSORS.name, *NAMES),
            bootstrap_servers=self._bootstrap,
            group_id=None,
            auto_offset_reset="latest",
            fetch_max_wait_ms=FETCH_WAIT_MS,
        )
        try:
            await consumer.start()
            await self._places.load(self._database)
            ends = await self._start(consumer)
            await self._read_to(consumer, ends)
            await load(self._hub, self._places, self._database, time.monotonic())
            self._tell_what_was_loaded()
            self.connected = True
            metrics.CONNECTED.set(1)
            while True:
                self._take_all(await consumer.getmany(timeout_ms=1_000, max_records=MOST_RECORDS))
                self._hub.tell()
        finally:
            await consumer.stop()

    async def _start(self, consumer: AIOKafkaConsumer) -> dict[TopicPartition, int]:
        """Take each partition up where it was left, or some minutes back; returns where each ends now."""
        places = sorted(consumer.assignment())
        ends: dict[TopicPartition, int] = await consumer.end_offsets(places)
        begins: dict[TopicPartition, int] = await consumer.beginning_offsets(places)
        since = int((datetime.now(UTC) - self._settings.live_replay).timestamp() * 1_000)
        found = await consumer.offsets_for_times(dict.fromkeys(places, since))
        starts = {place: ends[place] if at is None else at.offset for place, at in found.items()}
        for kafka_topic, name in NAMES.items():
            own = [place for place in places if place.topic == kafka_topic]
            topic = self._hub.topics[name]
            if _is_within(topic, own, begins, ends):
                starts.update({place: topic.position[place.partition] for place in own})
            else:
                topic.start_at({place.partition: starts[place] for place in own})
                self._begun_anew.add(name)
        starts.update({place: begins[place] for place in places if place.topic == topics.SENSORS.name})
        for place, start in starts.items():
            consumer.seek(place, start)
        return ends

    async def _read_to(self, consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> None:
        """Until all that was there at the start is taken."""
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            self._take_all(await consumer.getmany(timeout_ms=1_000, max_records=MOST_RECORDS))

    def _tell_what_was_loaded(self) -> None:
        self._hub.filled.set()
        self._hub.renew(self._begun_anew)
        self._begun_anew.clear()
        self._hub.tell()

    def _take_all(self, polled: dict[TopicPartition, Sequence[ConsumerRecord]]) -> None:
        for records in polled.values():
            for record in records:
                self._take_record(record)

    def _take_record(self, record: ConsumerRecord) -> None:
        """What cannot be used is left out: ingest makes it a dead letter."""
        try:
            events = decode_message(record.topic, record.value or b"")
        except InvalidEvent:
            metrics.SKIPPED.labels(record.topic).inc()
            events = []
        for event in events:
            self._take_event(record, event)
        if record.topic in NAMES:
            self._hub.topics[NAMES[record.topic]].moved(record.partition, record.offset + 1)
        metrics.EVENTS.labels(record.topic).inc(len(events))
        metrics.EVENT_AGE.labels(record.topic).set(datetime.now(UTC).timestamp() - record.timestamp / 1_000)

    def _take_event(self, record: ConsumerRecord, event: Event) -> None:
        settings = self._settings
        try:
            check_time(
                event,
                now=datetime.now(UTC),
                oldest=settings.oldest_time,
                future_tolerance=settings.future_tolerance,
            )
        except InvalidEvent:
            metrics.SKIPPED.labels(record.topic).inc()
            return
        if isinstance(event, Sensor):
            self._take_sensor(event)
            return
        item, place = self._places.item_of(event)
        topic = self._hub.topics[NAMES[record.topic]]
        topic.put(item, place, time.monotonic(), record.partition, record.offset)

    def _take_sensor(self, event: Sensor) -> None:
        """Its readings are judged anew where its free-flow speed has changed."""
        if self._places.learn(event):
            topic = self._hub.topics[items.TRAFFIC]
            known = topic.items.get(event.external_id)
            if known is not None:
                topic.amend(
                    self._places.judged(known.item), self._places.of_sensor(event.external_id), time.monotonic()
                )


def _is_within(
    topic: Topic, places: list[TopicPartition], begins: dict[TopicPartition, int], ends: dict[TopicPartition, int]
) -> bool:
    """Whether the topic can go on from where it was: Kafka still has what follows, and has not begun anew."""
    if set(topic.position) != {place.partition for place in places}:
        return False
    return all(begins[place] <= topic.position[place.partition] <= ends[place] for place in places)
