"""What ingest promises: everything in Kafka is stored once or is in the dead letters, whatever happens."""

import asyncio
import os
import random
import sys
import uuid
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import httpx
import psycopg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from aiokafka.structs import TopicPartition
from prometheus_client import REGISTRY

from ingest.batch import DeadLetter
from ingest.consumer import Consumer
from ingest.letters import Letterbox
from schema import topics
from schema.events import Incident, LineString, Reading, Sensor, Weather, encode
from schema.publisher import open_publisher
from tests.ingest.running import running_consumer
from tests.waiting import fetch_one, until, until_query
from urbanclear.embedded.ports import choose
from urbanclear.errors import StartError
from urbanclear.settings import Settings

RECORD = ConsumerRecord(topics.READINGS.name, 0, 0, 0, 0, None, b"", None, 0, 0, ())
WAITING_WRITERS = """
    FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND application_name = 'urbanclear'
"""
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
    """The first `count`; an aborted one is none."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_committed")
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


async def test_incidents_keep_their_newest_state_and_every_update_and_can_come_back(
    settings: Settings,
) -> None:
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
        again = Incident(time=NOON + timedelta(minutes=30), status="reported", severity="high", **common)  # type: ignore[arg-type]
        await until_query(url, "SELECT status FROM incidents WHERE cleared_at = time", "cleared")
        await publisher.publish(again)
        await until_query(url, "SELECT status FROM incidents WHERE cleared_at IS NULL", "reported")
        await publisher.publish(Weather(station="JFK", time=NOON, temperature_c=3.5, condition="rain"))
        await until_query(url, "SELECT count(*) FROM incident_updates", 4)
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


async def test_of_a_batch_the_good_readings_are_stored_and_each_bad_one_is_a_dead_letter(settings: Settings) -> None:
    elements = [encode(reading) for reading in readings(50)]
    bad = {7: b'{"sensor":"test:1","time":"2026-03-02T12:00:00","speed_kmh":50}', 20: b"[]", 33: b'"?"'}
    for place, element in bad.items():
        elements.insert(place, element)
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap)
    await producer.start()
    await producer.send(topics.READINGS.name, b"[" + b",".join(elements) + b"]", partition=0)
    await producer.stop()
    async with running_consumer(settings):
        await until_query(str(settings.database_url), "SELECT count(*) FROM readings", 50)
        letters = await dead_letters(str(settings.kafka_bootstrap), len(bad))
    assert {letter.value for letter in letters} == set(bad.values())
    origins = {dict(letter.headers)["origin"].rsplit(b"/", 1)[1] for letter in letters}
    assert origins == {str(place).encode() for place in bad}


async def test_flagged_readings_are_kept_and_left_out_of_what_is_current(settings: Settings) -> None:
    url = str(settings.database_url)
    events = [
        Reading(sensor="test:1", time=NOON, speed_kmh=50),
        Reading(sensor="test:1", time=NOON + timedelta(minutes=1), speed_kmh=390),
    ]
    async with running_consumer(settings):
        await publish_all(str(settings.kafka_bootstrap), events)
        await until_query(url, "SELECT count(*) FROM readings WHERE flag = 1", 1)
        await until_query(url, "SELECT speed_kmh FROM current_conditions", 50)
    assert await fetch_one(url, "SELECT count(*) FROM readings WHERE flag IS NULL") == 1


async def test_a_sensor_that_is_stuck_is_told_by_another_process_too(settings: Settings) -> None:
    url = str(settings.database_url)
    same = [Reading(sensor="test:1", time=NOON + timedelta(minutes=10 * n), speed_kmh=50) for n in range(9)]
    for part, count in ((same[:6], 6), (same[6:], 9)):
        async with running_consumer(settings):
            await publish_all(str(settings.kafka_bootstrap), part)
            await until_query(url, "SELECT count(*) FROM readings", count)
    assert await fetch_one(url, "SELECT array_agg(flag ORDER BY time) FROM readings") == [None] * 7 + [2, 2]


async def test_processes_that_come_and_go_in_full_flow_lose_and_repeat_nothing(settings: Settings) -> None:
    url, bootstrap = str(settings.database_url), str(settings.kafka_bootstrap)
    steps, sensors, poison = 120, 50, 0
    async with (
        AsyncExitStack() as stack,
        open_publisher(bootstrap) as publisher,
        AIOKafkaProducer(bootstrap_servers=bootstrap) as producer,
    ):
        running: list[AsyncExitStack] = []
        for step in range(steps):
            time = NOON + timedelta(seconds=30 * step)
            polled = [Reading(sensor=f"test:{n}", time=time, speed_kmh=(step * 7 + n) % 90) for n in range(sensors)]
            await publisher.publish_readings(polled)
            if step % 10 == 0:
                poison += 1
                await producer.send(topics.READINGS.name, f"poison {step}".encode(), key=b"test:1")
            if step in (0, 30, 60):
                running.append(await stack.enter_async_context(AsyncExitStack()))
                await running[-1].enter_async_context(running_consumer(settings))
            if step in (50, 90):
                await running.pop(0).aclose()
            await publisher.flush()
        await until_query(url, "SELECT count(*) FROM readings", steps * sensors)
        letters = await dead_letters(bootstrap, poison)
    expected = sum((step * 7 + n) % 90 for step in range(steps) for n in range(sensors))
    assert await fetch_one(url, "SELECT sum(speed_kmh)::int FROM readings") == expected
    assert sorted(letter.value for letter in letters) == sorted(f"poison {s}".encode() for s in range(0, steps, 10))
    assert await committed_letters(bootstrap) == poison


async def committed_letters(bootstrap: str) -> int:
    """How many dead letters there are, one sent after all others not counted."""
    async with open_publisher(bootstrap) as publisher:
        await publisher.reject("the end", b"the end", "test")
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_committed")
    await consumer.start()
    place = TopicPartition(topics.DEAD_LETTERS.name, 0)
    consumer.assign([place])
    await consumer.seek_to_beginning(place)
    count = 0
    while (await consumer.getone()).value != b"the end":
        count += 1
    await consumer.stop()
    return count


async def test_while_the_database_is_slow_ingest_pauses_stays_a_member_and_goes_on_by_itself(
    settings: Settings,
) -> None:
    url, bootstrap = str(settings.database_url), str(settings.kafka_bootstrap)
    small = settings.model_copy(update={"ingest_batch_rows": 100})
    async with running_consumer(small):
        await publish_all(bootstrap, readings(100))
        await until_query(url, "SELECT count(*) FROM readings", 100)
        rebalances = REGISTRY.get_sample_value("urbanclear_ingest_rebalances_total")
        with psycopg.connect(url) as connection:
            connection.execute("LOCK TABLE latest_readings, readings IN EXCLUSIVE MODE")
            await publish_all(bootstrap, readings(5_000))
            await until(paused, what="the pause")
            connection.rollback()
        await until_query(url, "SELECT count(*) FROM readings", 5_000)
        assert REGISTRY.get_sample_value("urbanclear_ingest_paused") == 0
        assert REGISTRY.get_sample_value("urbanclear_ingest_rebalances_total") == rebalances


async def paused() -> bool:
    return REGISTRY.get_sample_value("urbanclear_ingest_paused") == 1


async def test_a_database_without_the_schema_is_one_clear_sentence(
    kafka_bootstrap: str, empty_database_url: str
) -> None:
    without = Settings.model_validate(
        {"database_url": empty_database_url, "kafka_bootstrap": kafka_bootstrap, "ingest_group": uuid.uuid4().hex}
    )
    await publish_all(kafka_bootstrap, readings(1))
    with pytest.raises(StartError, match=r"run `urbanclear schema upgrade`"):
        await Consumer(without).run(asyncio.Event())


async def test_told_to_stop_while_the_database_hangs_it_ends_in_time_and_nothing_is_lost(settings: Settings) -> None:
    url, bootstrap = str(settings.database_url), str(settings.kafka_bootstrap)
    stated = {name: str(getattr(settings, name)) for name in ("database_url", "kafka_bootstrap", "ingest_group")}
    [port] = choose(1, [])
    env = {**stated, "ingest_batch_rows": "10", "metrics_port": str(port)}  # more batches than there is room for

    async def is_full() -> bool:
        try:
            async with httpx.AsyncClient(trust_env=False) as client:
                return "urbanclear_ingest_paused 1.0" in (await client.get(f"http://127.0.0.1:{port}/metrics")).text
        except httpx.TransportError:
            return False

    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "urbanclear", "ingest"),
        env={**os.environ, **{f"URBANCLEAR_{name.upper()}": value for name, value in env.items()}},
        stderr=asyncio.subprocess.DEVNULL,
    )
    await publish_all(bootstrap, readings(10))
    await until_query(url, "SELECT count(*) FROM readings", 10)
    with psycopg.connect(url) as connection:
        connection.execute("LOCK TABLE readings IN EXCLUSIVE MODE")
        await publish_all(bootstrap, readings(1_000)[10:])
        await until_query(url, f"SELECT count(*) {WAITING_WRITERS}", 2)
        await until(is_full, what="a full pipeline")
        process.terminate()
        async with asyncio.timeout(10):
            assert await process.wait() == 0
    async with running_consumer(settings):
        await until_query(url, "SELECT count(*) FROM readings", 1_000)


@pytest.mark.parametrize("value", [b"x" * 1_048_000, b"x" * 8_000_000])
async def test_the_largest_message_that_kafka_takes_is_a_dead_letter_whole(settings: Settings, value: bytes) -> None:
    compression = None if len(value) < 1_048_576 else "gzip"
    async with AIOKafkaProducer(
        bootstrap_servers=settings.kafka_bootstrap, max_request_size=2**30, compression_type=compression
    ) as producer:
        await producer.send(topics.READINGS.name, value, partition=0)
    async with running_consumer(settings):
        [letter] = await dead_letters(str(settings.kafka_bootstrap), 1)
    assert letter.value == value


async def test_of_a_message_that_the_dead_letters_cannot_take_the_beginning_is_kept(
    settings: Settings,
) -> None:
    """The broker of another topic may let in more."""
    value = random.Random(1).randbytes(2_500_000)
    letter = DeadLetter(RECORD, value, "undecodable", "")
    letters = Letterbox(str(settings.kafka_bootstrap), settings.ingest_group)
    await letters.take([letter.place])
    await letters.send([letter], {letter.place: 1})
    await letters.close()
    [found] = await dead_letters(str(settings.kafka_bootstrap), 1)
    assert found.value == value[: topics.LONGEST_LETTER_BYTES]


async def test_of_two_readings_with_the_same_sensor_and_time_the_first_stays_however_fast_they_come(
    settings: Settings,
) -> None:
    url, bootstrap = str(settings.database_url), str(settings.kafka_bootstrap)
    events = [
        Reading(sensor=f"test:{sensor}", time=NOON + timedelta(seconds=step), speed_kmh=speed)
        for step in range(400)
        for speed in (50.0, 60.0)
        for sensor in range(5)
    ]
    await publish_all(bootstrap, events)
    async with running_consumer(settings.model_copy(update={"ingest_batch_rows": 7})):
        await until_query(url, "SELECT count(*) FROM readings", 2_000)
        await until_query(url, "SELECT count(*) FROM latest_readings WHERE extract(second FROM time) = 39", 5)
    assert await fetch_one(url, "SELECT count(*) FROM readings WHERE speed_kmh <> 50") == 0


async def test_what_is_given_up_at_the_stop_is_not_passed_over_by_what_came_after_it(settings: Settings) -> None:
    """The first of two batches under way waits for a key that another session holds, and loses its connection."""
    url, bootstrap = str(settings.database_url), str(settings.kafka_bootstrap)
    start, first, second = readings(3, sensors=1)
    stop = asyncio.Event()
    ingest = asyncio.create_task(Consumer(settings).run(stop))
    async with await psycopg.AsyncConnection.connect(url) as other:
        await publish_all(bootstrap, [start])
        await until_query(url, "SELECT count(*) FROM readings", 1)
        await other.execute("INSERT INTO readings (sensor_id, time) SELECT id, %s FROM sensors", [first.time])
        await publish_all(bootstrap, [first])
        await until_query(url, f"SELECT count(*) {WAITING_WRITERS}", 1)
        await publish_all(bootstrap, [second])
        await until_query(url, "SELECT count(*) FROM readings", 2)
        stop.set()

        async def ended() -> bool:
            await fetch_one(url, f"SELECT count(pg_terminate_backend(pid)) {WAITING_WRITERS}")
            return ingest.done()

        await until(ended, what="the end of ingest")
        await ingest
        await other.rollback()
    async with running_consumer(settings):
        await until_query(url, "SELECT count(*) FROM readings", 3)
