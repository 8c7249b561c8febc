"""Readings from Kafka, of all partitions and no consumer group, from a time on; gone on with after Kafka was away."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from schema import topics
from schema.topic_reader import offsets_since
from urbanclear.logs import get_logger
from urbanclear.serving import stopped_within

log = get_logger("forecast")

FETCH_WAIT_MS: Final = 50  # brokers answer an empty fetch after this; longer was seen to delay what came meanwhile
POLL_MS: Final = 500
MOST_RECORDS: Final = 500
RETRY_SECONDS: Final = 2.0

Take = Callable[[Sequence[ConsumerRecord]], None]


class Following:
    """Gives `take` the messages of `traffic.readings`; `caught_up` is set once those are taken that were there at the
    start."""

    def __init__(self, bootstrap: str, take: Take) -> None:
        self.caught_up = asyncio.Event()
        self._bootstrap = bootstrap
        self._take = take
        self._consumer: AIOKafkaConsumer | None = None
        self._next: dict[TopicPartition, int] = {}
        self._ends: dict[TopicPartition, int] = {}

    async def start(self) -> None:
        """Connect; raises `KafkaConnectionError` where no broker answers. `run` has to follow."""
        self._consumer = await self._started()

    async def run(self, since: datetime, stop: asyncio.Event) -> None:
        """Until `stop` is set."""
        consumer = self._consumer
        while consumer is not None:
            try:
                await self._follow(consumer, since, stop)
                return
            except (KafkaError, OSError) as error:
                log.warning("forecast.kafka_away", error=repr(error), retry_in_s=RETRY_SECONDS)
            consumer = await self._started_again(stop)

    async def _follow(self, consumer: AIOKafkaConsumer, since: datetime, stop: asyncio.Event) -> None:
        try:
            await self._seek(consumer, since)
            while not stop.is_set():
                await self._poll(consumer)
        finally:
            await consumer.stop()

    async def _started(self) -> AIOKafkaConsumer:
        consumer = AIOKafkaConsumer(
            topics.READINGS.name,
            bootstrap_servers=self._bootstrap,
            group_id=None,
            auto_offset_reset="latest",
            fetch_max_wait_ms=FETCH_WAIT_MS,
        )
        try:
            await consumer.start()
        except BaseException:
            await consumer.stop()
            raise
        return consumer

    async def _started_again(self, stop: asyncio.Event) -> AIOKafkaConsumer | None:
        """Once a broker answers; None when told to stop before."""
        while not await stopped_within(stop, RETRY_SECONDS):
            try:
                return await self._started()
            except (KafkaError, OSError):
                continue
        return None

    async def _seek(self, consumer: AIOKafkaConsumer, since: datetime) -> None:
        """To where each partition was left, or to what was written from `since` on."""
        ends = await consumer.end_offsets(sorted(consumer.assignment()))
        starts = await offsets_since(consumer, since, ends)
        for place, start in starts.items():
            consumer.seek(place, self._next.get(place, start))
        if not self.caught_up.is_set():
            self._ends = {place: end for place, end in ends.items() if starts[place] < end}
        await self._look_whether_caught_up(consumer)

    async def _poll(self, consumer: AIOKafkaConsumer) -> None:
        polled: Mapping[TopicPartition, Sequence[ConsumerRecord]] = await consumer.getmany(
            timeout_ms=POLL_MS, max_records=MOST_RECORDS
        )
        for place, records in polled.items():
            self._take(records)
            self._next[place] = records[-1].offset + 1
            await asyncio.sleep(0)  # so that much at once holds nothing up
        await self._look_whether_caught_up(consumer)

    async def _look_whether_caught_up(self, consumer: AIOKafkaConsumer) -> None:
        """By the consumer's position: the end of a partition may be what Kafka itself wrote."""
        if self.caught_up.is_set():
            return
        if all([await consumer.position(place) >= end for place, end in self._ends.items()]):
            self.caught_up.set()
