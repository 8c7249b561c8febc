"""A Kafka broker of the benchmark's own: emptied, filled with a load in either form, asked about its consumers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import GroupCoordinatorNotAvailableError, NotLeaderForPartitionError
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.structs import TopicPartition

from bench.ingest.load import SENSORS, Load, described_sensors, sensor_name
from schema import topics
from schema.admin import create_topics
from schema.publisher import open_publisher
from urbanclear.embedded.jars import resolve
from urbanclear.embedded.java import find_java
from urbanclear.embedded.kafka import Kafka
from urbanclear.embedded.ports import choose
from urbanclear.settings import Settings

Say = Callable[[str], None]
#: A row that is waited for: the sensor's external id and the time.
Key = tuple[str, datetime]

PAUSE_SECONDS: Final = 0.1
STOP_SECONDS: Final = 20


@dataclass(frozen=True)
class Broker:
    """A running broker with all topics."""

    bootstrap: str
    partitions: int
    admin: AIOKafkaAdminClient

    async def empty(self) -> None:
        """Take everything out of the topics of readings and sensors."""
        places = [TopicPartition(topics.SENSORS.name, 0)]
        places += [TopicPartition(topics.READINGS.name, number) for number in range(self.partitions)]
        while True:
            try:
                await self.admin.delete_records({place: RecordsToDelete(before_offset=-1) for place in places})
            except NotLeaderForPartitionError:  # topics made a moment ago
                await asyncio.sleep(PAUSE_SECONDS)
            else:
                return

    async def fill(self, load: Load, say: Say, *, single: bool) -> None:
        """Replace what the topics hold: the sensors, and `load` as the feeds publish it or a reading a message."""
        await self.empty()
        async with open_publisher(self.bootstrap) as publisher:
            for sensor in described_sensors():
                await publisher.publish(sensor)
            for poll in range(load.polls):
                if poll % 20 == 0:
                    say(f"publishing: {poll * SENSORS:,} of {load.rows:,} readings")
                readings = load.readings(poll)
                if not single:
                    await publisher.publish_readings(readings)
                    continue
                for reading in readings:
                    await publisher.publish(reading)

    def last_keys(self, load: Load) -> list[Key]:
        """The last reading of each partition."""
        every, choose_partition = list(range(self.partitions)), DefaultPartitioner()
        names = map(sensor_name, range(1, SENSORS + 1))
        last = {choose_partition(name.encode(), every, every): name for name in names}
        return [(name, load.newest) for name in last.values()]

    async def has_members(self, group: str) -> bool:
        """Whether consumers of `group` have been given their partitions."""
        try:
            [response] = await self.admin.describe_consumer_groups([group])
        except GroupCoordinatorNotAvailableError:  # the first group of a new broker
            return False
        [(_, _, state, _, _, members, *_)] = response.groups
        return bool(state == "Stable" and members)

    @asynccontextmanager
    async def reader(self) -> AsyncIterator[AIOKafkaConsumer]:
        """A consumer of the readings from the first on, in no group, with ingest's settings."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, group_id=None, fetch_max_wait_ms=50)
        await consumer.start()
        try:
            places = [TopicPartition(topics.READINGS.name, number) for number in range(self.partitions)]
            consumer.assign(places)
            await consumer.seek_to_beginning(*places)
            yield consumer
        finally:
            await consumer.stop()


@asynccontextmanager
async def running_broker(folder: Path, settings: Settings) -> AsyncIterator[Broker]:
    """A broker with its state in `folder`, gone on leaving."""
    port, controller = choose(2, [])
    jars = await asyncio.to_thread(resolve, "kafka", settings)
    kafka = Kafka(folder / "kafka", port, controller, folder / "kafka.log", find_java(), jars)
    await asyncio.to_thread(kafka.prepare)
    kafka.process.start()
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    try:
        await kafka.wait_ready()
        await create_topics(kafka.bootstrap, settings)
        await admin.start()
        yield Broker(kafka.bootstrap, settings.kafka_partitions, admin)
    finally:
        await admin.close()
        kafka.process.ask_to_stop()
        await asyncio.to_thread(kafka.process.wait, STOP_SECONDS)
