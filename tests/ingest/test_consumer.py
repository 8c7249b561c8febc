"""What ingest promises: everything in Kafka is stored once or is in the dead letters, whatever happens."""

import uuid
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from aiokafka.structs import TopicPartition

from schema import topics
from schema.events import Incident, LineString, Reading, Sensor, Weather, encode
from schema.publisher import open_publisher
from tests.ingest.running import running_consumer
from tests.waiting import fetch_one, until_query
from urbanclear.settings import Settings

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def settings(kafka_bootstrap: str, database_url: str) -> Settings:
    return Settings.model_validate(
        {"database_url": database_url, "kafka_bootstrap": kafka_bootstrap, "ingest_group": uuid.uuid4().hex}
    )


def readings(count: int, sensors: int = 10) -> list[Reading]:
    return [
        Reading(
            sensor=f"test:{number % sensors}",
            time=NOON + timedelta(minutes=number // sensors),
            speed_kmh=float(number % 90),
        )
        for number in range(count)
    ]


async def publish_all(bootstrap: str, events: list[Reading]) -> None:
    async with open_publisher(bootstrap) as publisher:
        for event in events:
            await publisher.publish(event)


async def dead_letters(bootstrap: str, count: int) -> list[ConsumerRecord]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    place = TopicPartition(topics.DEAD_LETTERS.name, 0)
    consumer.assign([place])
    await consumer.seek_to_beginning(place)
    found = [await consumer.getone() for _ in range(count)]
    await consumer.stop()
    return found


async def test_every_reading_is_stored_once_even_when_published_twice(settings: Settings) -> None:
    events = readings(3_000)
    async with running_consumer(settings):
        await publish_all(str(settings.kafka_bootstrap), events)
        await publish_all(
            str(settings.kafka_bootstrap), [*events, Reading(sensor="test:end", time=NOON, occupancy=0.5)]
        )
        url = str(settings.database_url)
        await until_query(
            url, "SELECT count(*) FROM readings JOIN sensors ON id = sensor_id WHERE occupancy = 0.5", 1
        )
        await until_query(url, "SELECT count(*) FROM readings", 3_001)
        assert await fetch_one(url, "SELECT sum(speed_kmh) FROM readings") == sum(e.speed_kmh or 0 for e in events)


async def test_a_description_that_comes_after_its_readings_completes_the_sensor(settings: Settings) -> None:
    url = str(settings.database_url)
    async with running_consumer(settings), open_publisher(str(settings.kafka_bootstrap)) as publisher:
        await publisher.publish(Reading(sensor="test:bridge", time=NOON, speed_kmh=50))
        await until_query(url, "SELECT name FROM sensors", "test:bridge")
        line = LineString(coordinates=[[-74.0, 40.7], [-73.99, 40.71]])
        await publisher.publish(Sensor(external_id="test:bridge", name="The bridge", geometry=line))
        await until_query(url, "SELECT name || ' ' || (geometry->>'type') FROM sensors", "The bridge LineString")


async def test_a_description_that_knows_less_does_not_erase_what_is_known(settings: Settings) -> None:
    url = str(settings.database_url)
    async with running_consumer(settings), open_publisher(str(settings.kafka_bootstrap)) as publisher:
        await publisher.publish(Sensor(external_id="test:bridge", name="The bridge", length_m=900, lanes=2))
        await publisher.publish(Sensor(external_id="test:bridge", name="test:bridge", lanes=3))
        await until_query(url, "SELECT lanes FROM sensors", 3)
        assert await fetch_one(url, "SELECT name || ' ' || length_m FROM sensors") == "The bridge 900"


async def test_what_cannot_be_stored_is_a_dead_letter_with_reason_and_origin(settings: Settings) -> None:
    good = readings(1)[0]
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    bad = {
        b'{"sensor": "test:1", "time": "2026-03-0': "undecodable",
        b"\xff\xfe": "undecodable",
        b'{"sensor":"test:1","time":"2026-03-02T12:00:00","speed_kmh":50}': "naive_time",
        b'{"sensor":"test:1","time":"2026-03-02T12:00:00Z","speed_kmh":-1}': "invalid",
        b'{"sensor":"test:1","time":"2026-03-02T12:00:00Z"}': "invalid",
        b'{"sensor":"test:1","time":"1978-01-01T00:00:00Z","speed_kmh":1}': "too_old",
        f'{{"sensor":"test:1","time":"{tomorrow}","speed_kmh":1}}'.encode(): "future_time",
    }
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap)
    await producer.start()
    for value in [*bad, encode(good)]:
        await producer.send(topics.READINGS.name, value, partition=0)
    await producer.stop()
    async with running_consumer(settings):
        await until_query(str(settings.database_url), "SELECT count(*) FROM readings", 1)
        letters = await dead_letters(str(settings.kafka_bootstrap), len(bad))
    found = {letter.value: dict(letter.headers) for letter in letters}
    assert {value: headers["reason"].decode() for value, headers in found.items()} == bad
    assert all(headers["origin"].startswith(b"traffic.readings/0/") for headers in found.values())


async def test_a_row_that_the_database_refuses_lets_the_rest_of_its_batch_pass(settings: Settings) -> None:
    url = str(settings.database_url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER TABLE sensors ADD CHECK (name <> 'refused')")
    async with open_publisher(str(settings.kafka_bootstrap)) as publisher:
        for name in ("a", "refused", "b"):
            await publisher.publish(Sensor(external_id=f"test:{name}", name=name))
    async with running_consumer(settings):
        await until_query(url, "SELECT string_agg(name, ',' ORDER BY name) FROM sensors", "a,b")
        [letter] = await dead_letters(str(settings.kafka_bootstrap), 1)
    assert dict(letter.headers)["reason"] == b"refused"


async def test_incidents_keep_their_newest_state_and_every_update(settings: Settings) -> None:
    url = str(settings.database_url)
    common = {"id": "crash-1", "kind": "collision", "started_at": NOON}
    states = [
        Incident(time=NOON, status="reported", severity="high", **common),  # type: ignore[arg-type]
        Incident(time=NOON + timedelta(minutes=20), status="cleared", severity="low", **common),  # type: ignore[arg-type]
        Incident(time=NOON + timedelta(minutes=10), status="updated", severity="medium", **common),  # type: ignore[arg-type]
    ]
    async with running_consumer(settings), open_publisher(str(settings.kafka_bootstrap)) as publisher:
        for state in states:
            await publisher.publish(state)
        await publisher.publish(Weather(station="JFK", time=NOON, temperature_c=3.5, condition="rain"))
        await until_query(url, "SELECT count(*) FROM incident_updates", 3)
        await until_query(url, "SELECT status FROM incidents WHERE cleared_at = time", "cleared")
        await until_query(url, "SELECT temperature_c FROM weather WHERE station = 'JFK'", 3.5)


async def test_the_database_away_is_waited_for_and_nothing_is_lost(settings: Settings) -> None:
    url = str(settings.database_url)
    name = url.rsplit("/", 1)[1]
    admin = url.rsplit("/", 1)[0] + "/postgres"
    async with running_consumer(settings):
        await publish_all(str(settings.kafka_bootstrap), readings(100))
        await until_query(url, "SELECT count(*) FROM readings", 100)
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
            await publish_all(str(settings.kafka_bootstrap), readings(500))
            connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())
        await until_query(url, "SELECT count(*) FROM readings", 500)
