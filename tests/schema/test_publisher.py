"""What was handed to the publisher is in Kafka once it says so, and it says when that is not so."""

import os
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest

from schema import publisher as publishing
from schema import topics
from schema.events import Event, Prediction, Reading
from schema.publisher import MOST_OF, open_publisher
from tests.kafka_content import read_all, read_raw
from tests.kafka_trouble import frozen, refusing
from urbanclear.errors import KafkaAway, NotDelivered

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def reading(second: int, sensor: str = "test:1") -> Reading:
    return Reading(sensor=sensor, time=NOON + timedelta(seconds=second), speed_kmh=50)


def prediction(second: int, sensor: str) -> Prediction:
    time = NOON + timedelta(seconds=second)
    return Prediction(sensor=sensor, made_at=time, target_time=NOON, horizon_s=300, speed_kmh=50)


@pytest.mark.parametrize(("kind", "made"), [(Reading, reading), (Prediction, prediction)])
async def test_what_was_delivered_is_in_kafka_in_few_messages_with_each_sensor_on_its_partition(
    kafka_bootstrap: str, kind: type[Event], made: Callable[[int, str], Event]
) -> None:
    [topic] = [topic for topic in topics.ALL if topic.event is kind]
    many = [made(second, f"test:{second % 7}") for second in range(2 * MOST_OF[kind] + 1)]
    async with open_publisher(kafka_bootstrap, linger_ms=0) as publisher:
        await publisher.deliver([], within_s=10)
        await publisher.deliver(many, within_s=10)
        batched = await read_raw(kafka_bootstrap, topic)
        for sensor in range(7):  # where Kafka's own rule puts it
            await publisher.publish(made(99_999, f"test:{sensor}"))
        await publisher.flush()
    found = await read_all(kafka_bootstrap, kind)
    assert sorted(found, key=lambda event: event.occurred_at or NOON)[:-7] == many
    assert len(batched) <= 3 + len({record.partition for record in batched})
    places: defaultdict[str, set[int]] = defaultdict(set)
    for record in await read_raw(kafka_bootstrap, topic):
        for event in topics.decode_message(topic.name, record.value or b""):
            places[event.key].add(record.partition)
    assert [len(partitions) for partitions in places.values()] == [1] * 7


async def test_without_an_answer_in_time_delivery_fails_and_goes_on_once_kafka_is_back(kafka_bootstrap: str) -> None:
    async with open_publisher(kafka_bootstrap) as publisher:
        await publisher.deliver([reading(1)], within_s=10)
        with frozen(kafka_bootstrap):
            began = time.monotonic()
            with pytest.raises(KafkaAway, match=r"within 0.5 s: try again"):
                await publisher.deliver([reading(2)], within_s=0.5)
            assert time.monotonic() - began < 1
        await publisher.deliver([reading(3)], within_s=20)
    assert {event.time for event in await read_all(kafka_bootstrap, Reading)} >= {reading(1).time, reading(3).time}


async def test_a_flush_fails_when_the_brokers_refused_something_before_it(kafka_bootstrap: str) -> None:
    letters = topics.DEAD_LETTERS
    async with refusing(kafka_bootstrap, letters, longer_than=1_000), open_publisher(kafka_bootstrap) as publisher:
        await publisher.reject("test", os.urandom(5_000), "invalid")
        with pytest.raises(NotDelivered, match="MessageSizeTooLargeError"):
            await publisher.flush()
        await publisher.reject("test", b"short", "invalid")
        await publisher.flush()


async def test_closing_waits_a_moment_for_kafka_and_no_longer(
    kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "CLOSE_SECONDS", 0.2)
    stack = AsyncExitStack()
    publisher = await stack.enter_async_context(open_publisher(kafka_bootstrap))
    await publisher.deliver([reading(1)], within_s=10)
    with frozen(kafka_bootstrap):
        with pytest.raises(KafkaAway):
            await publisher.deliver([reading(2)], within_s=0.2)
        began = time.monotonic()
        await stack.aclose()
        assert 0.2 <= time.monotonic() - began < 2
