"""What a poll of a feed publishes, into real Kafka."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import structlog
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from prometheus_client import REGISTRY

from ingest.sources.live import metrics
from ingest.sources.live.breaker import FAILURES, PAUSE_S, State
from ingest.sources.live.feeds import renamed
from ingest.sources.live.source import open_source, utc_now
from schema import topics
from schema.events import Incident, Reading
from schema.publisher import open_publisher
from tests.ingest.sources.live.conftest import OpenPolling
from tests.ingest.sources.live.example_feed import FEED, GOOD, NOW, incident, listing, reading
from tests.ingest.sources.live.server import Answer, FeedServer
from tests.kafka_content import read_all, read_raw
from tests.waiting import until
from urbanclear.settings import Settings


async def test_an_incident_appears_changes_and_vanishes(
    feed_server: FeedServer, polling: OpenPolling, kafka_bootstrap: str
) -> None:
    feed_server.answers(
        listing(incident("a"), incident("b")),
        listing(incident("a"), incident("b", 1, severity="high")),
        listing(incident("a")),
    )
    async with polling(FEED, now=NOW) as polls:
        await polls.poll(2)
        polls.clock.forward(minutes=5)
        await polls.poll(3)
    found = [
        (event.id, event.status, event.severity, event.time) for event in await read_all(kafka_bootstrap, Incident)
    ]
    assert found == [
        ("test:a", "reported", "low", NOW),
        ("test:b", "reported", "low", NOW),
        ("test:b", "updated", "high", NOW + timedelta(minutes=1)),
        ("test:b", "cleared", "high", NOW + timedelta(minutes=5)),
    ]


async def published(bootstrap: str) -> list[tuple[str, datetime]]:
    return [(event.sensor, event.time) for event in await read_all(bootstrap, Reading)]


async def test_only_what_is_newer_than_a_sensors_newest_is_published(
    feed_server: FeedServer, polling: OpenPolling, kafka_bootstrap: str
) -> None:
    feed_server.answers(
        listing(reading(-2), reading(-1), reading(-1, 60), reading(-5, sensor="test:2")),
        listing(reading(-1), reading(0), reading(-3), reading(-5, sensor="test:2")),
    )
    async with polling(FEED, now=NOW) as polls:
        assert await polls.poll() == FEED.every
        assert len(await published(kafka_bootstrap)) == 3
        await polls.poll()
    assert sorted(await published(kafka_bootstrap)) == [
        ("test:1", NOW - timedelta(minutes=2)),
        ("test:1", NOW - timedelta(minutes=1)),
        ("test:1", NOW),
        ("test:2", NOW - timedelta(minutes=5)),
    ]


async def test_a_polls_readings_travel_in_one_message_a_partition(
    feed_server: FeedServer, polling: OpenPolling, kafka_bootstrap: str
) -> None:
    rows = [reading(0, sensor=f"test:{number}") for number in range(100)]
    feed_server.answers(listing(*rows))
    async with polling(FEED, now=NOW) as polls:
        await polls.poll()
    assert len(await published(kafka_bootstrap)) == 100
    assert len(await read_raw(kafka_bootstrap, topics.READINGS)) <= Settings().kafka_partitions


async def test_a_restart_neither_repeats_nor_forgets_to_clear(
    feed_server: FeedServer, polling: OpenPolling, kafka_bootstrap: str
) -> None:
    before = utc_now()  # Kafka's own clock says what is recent
    row = {"sensor": "test:1", "time": before.isoformat(), "speed_kmh": 50}
    feed_server.answers(listing(row, incident("a"), incident("b")))
    async with polling(FEED, now=before) as polls:
        await polls.poll()
    feed_server.answers(listing(row, incident("a")))
    async with polling(FEED, now=before) as polls:
        await polls.poll(3)
    assert await published(kafka_bootstrap) == [("test:1", before)]
    told = [(event.id, event.status) for event in await read_all(kafka_bootstrap, Incident)]
    assert told == [("test:a", "reported"), ("test:b", "reported"), ("test:b", "cleared")]


async def test_an_incident_that_is_gone_for_one_document_only_is_not_cleared(
    feed_server: FeedServer, polling: OpenPolling, kafka_bootstrap: str
) -> None:
    feed_server.answers(listing(incident("a")), listing(), listing(incident("a")), listing(), listing(incident("a")))
    async with polling(FEED, now=NOW) as polls:
        await polls.poll(5)
    assert [event.status for event in await read_all(kafka_bootstrap, Incident)] == ["reported"]


async def test_an_incident_that_comes_back_is_reported_anew_after_it_was_cleared(
    feed_server: FeedServer, polling: OpenPolling, kafka_bootstrap: str
) -> None:
    feed_server.answers(listing(incident("a")), listing(), listing(), listing(incident("a")))
    async with polling(FEED, now=NOW) as polls:
        await polls.poll(1)
        polls.clock.forward(minutes=5)
        await polls.poll(2)
        polls.clock.forward(minutes=5)
        await polls.poll(1)
    found = [(event.status, event.time) for event in await read_all(kafka_bootstrap, Incident)]
    states = ("reported", "cleared", "reported")
    assert found == [(status, NOW + timedelta(minutes=5 * step)) for step, status in enumerate(states)]


async def test_another_name_keeps_two_places_apart(
    feed_server: FeedServer, polling: OpenPolling, kafka_bootstrap: str
) -> None:
    feed_server.answers(listing(incident("a"), reading(0)))
    async with polling(renamed(FEED, "ohio"), now=NOW) as polls:
        await polls.poll()
    feed_server.answers(listing())
    async with polling(FEED, now=NOW) as polls:
        await polls.poll(3)
    assert [(event.id, event.status) for event in await read_all(kafka_bootstrap, Incident)] == [
        ("ohio:a", "reported")
    ]
    assert await published(kafka_bootstrap) == [("ohio:1", NOW)]


async def test_an_observation_from_the_future_is_a_dead_letter_once_and_published_when_its_time_has_come(
    feed_server: FeedServer, polling: OpenPolling, kafka_bootstrap: str
) -> None:
    feed_server.answers(listing(reading(4), reading(30), etag='"1"'))
    async with polling(FEED, now=NOW) as polls:
        await polls.poll(2)
        assert await published(kafka_bootstrap) == [("test:1", NOW + timedelta(minutes=4))]
        [letter] = await read_raw(kafka_bootstrap, topics.DEAD_LETTERS)
        assert dict(letter.headers)["reason"] == b"future_time"
        assert json.loads(letter.value)["speed_kmh"] == 50.0
        polls.clock.forward(minutes=26)
        await polls.poll()
    assert (await published(kafka_bootstrap))[-1] == ("test:1", NOW + timedelta(minutes=30))
    assert len(await read_raw(kafka_bootstrap, topics.DEAD_LETTERS)) == 1


async def test_a_part_that_cannot_be_used_is_a_dead_letter_once_and_the_rest_passes(
    feed_server: FeedServer, polling: OpenPolling, kafka_bootstrap: str
) -> None:
    feed_server.answers(listing({"sensor": "nonsense"}, reading(0)))
    async with polling(FEED, now=NOW) as polls:
        await polls.poll(3)
    [letter] = await read_raw(kafka_bootstrap, topics.DEAD_LETTERS)
    assert letter.value == b'{"sensor": "nonsense"}'
    assert dict(letter.headers) == {"reason": b"invalid", "origin": f"{feed_server.url}#0".encode()}
    assert await published(kafka_bootstrap) == [("test:1", NOW)]


async def test_a_document_that_has_not_changed_is_counted_as_such(
    feed_server: FeedServer, polling: OpenPolling, kafka_bootstrap: str
) -> None:
    feed_server.answers(listing(reading(0), etag='"1"', **{"cache-control": "public, max-age=600", "age": "60"}))
    before = outcomes()
    async with polling(FEED, now=NOW) as polls:
        assert await polls.poll(3) == timedelta(minutes=9)
    assert outcomes() - before == {"news": 1, "not_modified": 2}
    assert await published(kafka_bootstrap) == [("test:1", NOW)]


async def test_a_failing_feed_is_left_alone_tried_once_and_taken_up_again(
    feed_server: FeedServer, polling: OpenPolling, kafka_bootstrap: str
) -> None:
    feed_server.answers(
        Answer(status=429, headers={"retry-after": "77"}), Answer(b"<html>Maintenance</html>"), Answer(status=500)
    )
    before = outcomes()
    with structlog.testing.capture_logs() as lines:
        async with polling(FEED, now=NOW) as polls:
            await polls.poll(FAILURES)
            assert breaker_state() == State.OPEN
            polls.clock.forward(seconds=PAUSE_S)
            await polls.poll()
            assert [wait.total_seconds() for wait in polls.waits] == [77, 10, 20, 40, PAUSE_S, PAUSE_S]
            polls.clock.forward(seconds=PAUSE_S)
            feed_server.answers(Answer(GOOD))
            await polls.poll(2)
            assert breaker_state() == State.CLOSED
    events = [(line["event"], line.get("outcome")) for line in lines if line["event"].startswith("feed.")]
    assert events == [
        ("feed.failing", "too_many_requests"),
        ("feed.failing", "changed"),
        ("feed.failing", "server_error"),
        ("feed.left_alone", "server_error"),
        ("feed.recovered", None),
    ]
    assert outcomes() - before == {"too_many_requests": 1, "changed": 1, "server_error": 4, "news": 1, "no_news": 1}
    assert await published(kafka_bootstrap) == [("test:1", NOW)]


async def test_what_kafka_would_not_take_is_published_by_a_later_poll(
    feed_server: FeedServer, polling: OpenPolling, kafka_bootstrap: str
) -> None:
    feed_server.answers(listing(incident("a", description="words " * 100)))
    before = outcomes()
    async with polling(FEED, now=NOW) as polls:
        async with largest_message(kafka_bootstrap, topics.INCIDENTS, 200):
            await polls.poll()
        assert outcomes() - before == {"not_delivered": 1}
        await polls.poll()
    assert [event.id for event in await read_all(kafka_bootstrap, Incident)] == ["test:a"]


async def test_running_ends_within_a_moment_of_being_told_to_stop(
    feed_server: FeedServer, kafka_bootstrap: str
) -> None:
    feed_server.answers(Answer(GOOD), Answer(silent=True))
    stop = asyncio.Event()
    async with (
        open_publisher(kafka_bootstrap) as publisher,
        open_source(FEED, Settings(), kafka_bootstrap, url=feed_server.url, every=timedelta(seconds=1)) as source,
    ):
        running = asyncio.create_task(source.run(publisher, stop))

        async def is_asked_twice() -> bool:
            return len(feed_server.requests) == 2

        await until(is_asked_twice)
        stop.set()
        async with asyncio.timeout(2):
            await running
    assert await published(kafka_bootstrap) == [("test:1", NOW)]


def outcomes() -> Counter[str]:
    """Polls of the feed so far, by outcome."""
    samples = [sample for metric in metrics.POLLS.collect() for sample in metric.samples]
    return Counter(
        {
            sample.labels["outcome"]: int(sample.value)
            for sample in samples
            if sample.name.endswith("_total") and sample.labels["feed"] == FEED.name
        }
    )


def breaker_state() -> float | None:
    return REGISTRY.get_sample_value("urbanclear_ingest_feed_breaker_state", {"feed": FEED.name})


@asynccontextmanager
async def largest_message(bootstrap: str, topic: topics.Topic, size: int) -> AsyncIterator[None]:
    """A bound on what the brokers take of a topic, for a while."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)

    async def say(config: dict[str, str]) -> None:
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic.name, config)])

    await admin.start()
    try:
        await say({**topic.config, "max.message.bytes": str(size)})
        yield
    finally:
        await say(topic.config)
        await admin.close()
