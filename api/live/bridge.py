"""Kafka to the hub: what WebSocket clients see comes from here, not from polling the database.

On start each topic's end is noted first and the newest state is read from the database after, so that nothing falls
between the two.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from aiokafka import AIOKafkaConsumer, ConsumerRecord
from aiokafka.errors import KafkaError
from sqlalchemy.exc import DBAPIError

from api import metrics
from api.database import Database
from api.live.hub import Hub, Topic
from api.resources.incidents.models import Incident as ShownIncident
from api.resources.incidents.queries import incident_list
from api.resources.sensors.queries import SENSORS
from api.resources.traffic.models import Traffic
from api.resources.traffic.queries import CURRENT
from schema import topics
from schema.events import Event, Incident, Reading, Sensor, check_time
from schema.topics import decode_message
from urbanclear.errors import InvalidEvent
from urbanclear.logs import get_logger
from urbanclear.settings import Settings

log = get_logger("api")

TRAFFIC, INCIDENTS = "traffic", "incidents"
INCIDENTS_SHOWN = 200
CLEARED_SHOWN = timedelta(hours=1)
RETRY_SECONDS = 2.0
FETCH_WAIT_MS = (
    50  # brokers answer a fetch that found nothing after this; longer was seen to delay what came meanwhile
)


def new_hub() -> Hub:
    """A hub with the topics that the bridge fills."""
    return Hub([Topic(TRAFFIC, most=200_000), Topic(INCIDENTS, most=INCIDENTS_SHOWN)])


class Bridge:
    """Keeps `hub` up to date until cancelled."""

    def __init__(self, hub: Hub, database: Database, bootstrap: str, settings: Settings) -> None:
        self.connected = False
        self._hub = hub
        self._database = database
        self._bootstrap = bootstrap
        self._settings = settings
        self._free_flow_kmh: dict[str, float | None] = {}
        self._take: dict[str, Callable[[Event], None]] = {
            topics.SENSORS.name: self._take_sensor,
            topics.READINGS.name: self._take_reading,
            topics.INCIDENTS.name: self._take_incident,
        }

    async def run(self) -> None:
        """Follow Kafka for ever; begins anew, from the newest state, when Kafka or the database was away."""
        while True:
            try:
                await self._follow()
            except (KafkaError, DBAPIError, OSError) as error:
                log.warning("bridge.interrupted", error=str(error).splitlines()[0], retry_in_s=RETRY_SECONDS)
            finally:
                self.connected = False
            await asyncio.sleep(RETRY_SECONDS)

    async def _follow(self) -> None:
        consumer = AIOKafkaConsumer(
            *self._take,
            bootstrap_servers=self._bootstrap,
            group_id=None,
            auto_offset_reset="latest",
            fetch_max_wait_ms=FETCH_WAIT_MS,
        )
        try:
            await consumer.start()
            await self._start_at_end(consumer)
            await self._load()
            self.connected = True
            while True:
                for records in (await consumer.getmany(timeout_ms=1_000, max_records=5_000)).values():
                    for record in records:
                        self._take_record(record)
        finally:
            await consumer.stop()

    async def _start_at_end(self, consumer: AIOKafkaConsumer) -> None:
        """Read from where each partition ends now; of sensors, whose topic is compacted, from the beginning."""
        sensors = [place for place in consumer.assignment() if place.topic == topics.SENSORS.name]
        await consumer.seek_to_end()
        await consumer.seek_to_beginning(*sensors)
        for place in consumer.assignment():
            await consumer.position(place)

    async def _load(self) -> None:
        """The newest state, from the database."""
        for row in await self._database.rows(SENSORS):
            self._free_flow_kmh[row["sensor"]] = row["free_flow_speed_kmh"]
        for row in await self._database.rows(CURRENT):
            self._put_traffic(Traffic.of(**row))
        for row in reversed(await self._database.rows(incident_list(INCIDENTS_SHOWN, CLEARED_SHOWN))):
            self._hub.put(INCIDENTS, row["id"], ShownIncident(**row))

    def _take_record(self, record: ConsumerRecord) -> None:
        """What cannot be used is left out: ingest makes it a dead letter."""
        try:
            events = decode_message(record.topic, record.value or b"")
        except InvalidEvent:
            metrics.BRIDGE_SKIPPED.labels(record.topic).inc()
            return
        for event in events:
            self._take_event(record.topic, event)

    def _take_event(self, topic: str, event: Event) -> None:
        settings = self._settings
        try:
            check_time(
                event,
                now=datetime.now(UTC),
                oldest=settings.oldest_time,
                future_tolerance=settings.future_tolerance,
            )
        except InvalidEvent:
            metrics.BRIDGE_SKIPPED.labels(topic).inc()
            return
        self._take[topic](event)
        metrics.BRIDGE_EVENTS.labels(topic).inc()

    def _take_sensor(self, event: Event) -> None:
        assert isinstance(event, Sensor)  # noqa: S101
        name, free_flow_kmh = event.external_id, event.free_flow_speed_kmh
        self._free_flow_kmh[name] = free_flow_kmh
        known = self._hub.topics[TRAFFIC].items.get(name)
        if isinstance(known, Traffic) and known.free_flow_speed_kmh != free_flow_kmh:
            self._hub.put(TRAFFIC, name, known.with_free_flow(free_flow_kmh))

    def _take_reading(self, event: Event) -> None:
        assert isinstance(event, Reading)  # noqa: S101
        self._put_traffic(
            Traffic.of(
                self._free_flow_kmh.get(event.sensor),
                sensor=event.sensor,
                time=event.time,
                speed_kmh=event.speed_kmh,
                volume_vph=event.volume_vph,
                occupancy=event.occupancy,
                travel_time_s=event.travel_time_s,
            )
        )

    def _put_traffic(self, item: Traffic) -> None:
        known = self._hub.topics[TRAFFIC].items.get(item.sensor)
        if not isinstance(known, Traffic) or item.time > known.time:
            self._hub.put(TRAFFIC, item.sensor, item)

    def _take_incident(self, event: Event) -> None:
        assert isinstance(event, Incident)  # noqa: S101
        known = self._hub.topics[INCIDENTS].items.get(event.id)
        if isinstance(known, ShownIncident) and not _follows(event, known):
            return
        fields = {name: getattr(event, name) for name in event.__struct_fields__}
        cleared_at = event.time if event.status == "cleared" else None
        self._hub.put(INCIDENTS, event.id, ShownIncident(**fields, cleared_at=cleared_at))


def _follows(event: Incident, known: ShownIncident) -> bool:
    """Whether it is a later state; a cleared incident stays so, unless it is reported anew."""
    if known.status == "cleared":
        return event.status == "reported" and event.time > known.time
    return event.time >= known.time
