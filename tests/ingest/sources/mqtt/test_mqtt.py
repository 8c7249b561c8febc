"""From a device through a real MQTT broker into real Kafka, whatever is stopped in between."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest

from ingest.sources.mqtt import broker as brokers
from ingest.sources.mqtt.broker import Broker, Version, session_name
from ingest.sources.mqtt.payload import SensorLevel
from ingest.sources.mqtt.source import MqttSource
from schema import topics
from schema.events import Reading, encode
from schema.publisher import open_publisher
from tests.ingest.sources.mqtt.conftest import PASSWORD, USER, Mosquitto, running_mosquitto
from tests.kafka_content import read_all, read_raw
from tests.kafka_trouble import frozen
from tests.waiting import until
from urbanclear.settings import Settings

NOW = datetime.now(UTC).replace(microsecond=0)
FILTER, TOPIC = "city/+/readings", "city/a7/readings"
SUBSCRIBED = f"Sending SUBACK to {session_name(FILTER)}"
SENT = f"Sending PUBLISH to {session_name(FILTER)}"
STOP_SECONDS = 10.0


def reading(second: int = 0, sensor: str = "hall:a7") -> Reading:
    return Reading(sensor=sensor, time=NOW - timedelta(seconds=second), speed_kmh=50)


@asynccontextmanager
async def running(
    mosquitto: Mosquitto,
    bootstrap: str,
    *,
    version: Version = "5",
    level: SensorLevel | None = None,
    subscribed: bool = True,
) -> AsyncIterator[None]:
    """A source in this process, `subscribed` unless said otherwise; stopped, and its errors raised, on leaving."""
    stop = asyncio.Event()
    before = mosquitto.logged(SUBSCRIBED)
    broker = Broker.parse(mosquitto.url, session_name(FILTER), version)
    source = MqttSource(broker, FILTER, Settings(), level=level, draw=lambda *_: 0.1)
    async with open_publisher(bootstrap, linger_ms=5) as publisher:
        task = asyncio.create_task(source.run(publisher, stop))
        try:
            if subscribed:
                await until(lambda: has_subscribed(mosquitto, before), what="the subscription")
            yield
        finally:
            stop.set()
            await task


async def has_subscribed(mosquitto: Mosquitto, before: int = 0) -> bool:
    return mosquitto.logged(SUBSCRIBED) > before


async def make_session(mosquitto: Mosquitto, bootstrap: str, version: Version = "5") -> None:
    """Nothing published from now on is missed."""
    async with running(mosquitto, bootstrap, version=version):
        pass


async def in_kafka(bootstrap: str, *seconds: int) -> None:
    """Return once exactly these readings are in Kafka, however often."""
    times = {reading(second).time for second in seconds}

    async def found() -> bool:
        return {event.time for event in await read_all(bootstrap, Reading)} >= times

    await until(found, what=f"readings {seconds[:5]} in Kafka")


async def letters(bootstrap: str) -> list[tuple[str, str, bytes]]:
    """Origin, reason and content of each dead letter."""
    found = []
    for record in await read_raw(bootstrap, topics.DEAD_LETTERS):
        headers = {name: value.decode() for name, value in record.headers}
        found.append((headers["origin"], headers["reason"], record.value or b""))
    return found


@pytest.mark.parametrize("version", get_args(Version))
async def test_single_readings_and_arrays_reach_kafka_each_once(
    mosquitto: Mosquitto, kafka_bootstrap: str, version: Version
) -> None:
    array = b"[" + b",".join(encode(reading(second)) for second in range(2, 50)) + b"]"
    await make_session(mosquitto, kafka_bootstrap, version)
    await mosquitto.publish(TOPIC, encode(reading(0)), array)
    await mosquitto.publish(TOPIC, encode(reading(1)), qos=2)
    async with running(mosquitto, kafka_bootstrap, version=version):
        await in_kafka(kafka_bootstrap, *range(50))
        await mosquitto.publish(TOPIC, encode(reading(50)), qos=0)
        await in_kafka(kafka_bootstrap, 50)
    async with running(mosquitto, kafka_bootstrap, version=version):
        await mosquitto.publish(TOPIC, encode(reading(51)))
        await in_kafka(kafka_bootstrap, 51)
    times = [event.time for event in await read_all(kafka_bootstrap, Reading)]
    assert len(times) == len(set(times))
    assert await letters(kafka_bootstrap) == []


async def test_what_cannot_be_used_is_a_dead_letter_with_its_topic_and_the_rest_passes(
    mosquitto: Mosquitto, kafka_bootstrap: str
) -> None:
    future = encode(reading(-3_600))
    async with running(mosquitto, kafka_bootstrap):
        await mosquitto.publish(TOPIC, encode(reading(0)))
        await in_kafka(kafka_bootstrap, 0)
        await mosquitto.publish(TOPIC, b"\xff junk", b"", b"[1", b"[" + encode(reading(1)) + b',{"a":1}]', future)
        await mosquitto.publish(TOPIC, encode(reading(2)))
        await in_kafka(kafka_bootstrap, 0, 1, 2)
    origin = f"mqtt:{TOPIC}"
    assert await letters(kafka_bootstrap) == [
        (origin, "undecodable", b"\xff junk"),
        (origin, "undecodable", b""),
        (origin, "undecodable", b"[1"),
        (origin, "invalid", b'{"a":1}'),
        (origin, "future_time", future),
    ]


async def test_a_topic_names_the_sensor_of_a_reading_without_one(mosquitto: Mosquitto, kafka_bootstrap: str) -> None:
    nameless = f'{{"time":"{NOW.isoformat()}","speed_kmh":50}}'.encode()
    async with running(mosquitto, kafka_bootstrap, level=SensorLevel.of(FILTER, "hall")):
        await mosquitto.publish(TOPIC, encode(reading(1, "own:name")))
        await in_kafka(kafka_bootstrap, 1)
        await mosquitto.publish("city/b 9/readings", nameless)
        await mosquitto.publish("city/b9/readings", b"[" + nameless + b"]")
        await in_kafka(kafka_bootstrap, 0)
    assert {event.sensor for event in await read_all(kafka_bootstrap, Reading)} == {"own:name", "hall:b9"}
    assert [reason for _, reason, _ in await letters(kafka_bootstrap)] == ["invalid"]


async def test_the_source_comes_back_after_the_broker_was_restarted(
    mosquitto: Mosquitto, kafka_bootstrap: str
) -> None:
    async with running(mosquitto, kafka_bootstrap):
        await mosquitto.publish(TOPIC, encode(reading(0)))
        await in_kafka(kafka_bootstrap, 0)
        await mosquitto.stop()
        await mosquitto.start()
        await mosquitto.publish(TOPIC, encode(reading(1)))
        await in_kafka(kafka_bootstrap, 0, 1)


async def test_a_source_started_before_its_broker_waits_for_it(mosquitto: Mosquitto, kafka_bootstrap: str) -> None:
    await make_session(mosquitto, kafka_bootstrap)
    await mosquitto.publish(TOPIC, encode(reading(1)))
    await mosquitto.stop()
    async with running(mosquitto, kafka_bootstrap, subscribed=False):
        await mosquitto.start()
        await in_kafka(kafka_bootstrap, 1)


async def test_more_messages_than_may_be_in_flight_all_arrive(
    mosquitto: Mosquitto, kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(brokers, "MOST_IN_FLIGHT", 5)
    batches: list[int] = []
    publish = MqttSource._publish

    async def noted(self: MqttSource, messages: Any, publisher: Any) -> None:
        batches.append(len(messages))
        await publish(self, messages, publisher)

    monkeypatch.setattr(MqttSource, "_publish", noted)
    await make_session(mosquitto, kafka_bootstrap)
    await mosquitto.publish(TOPIC, *(encode(reading(second)) for second in range(100)))
    async with running(mosquitto, kafka_bootstrap):
        await in_kafka(kafka_bootstrap, *range(100))
    assert max(batches) == 5


async def test_nothing_is_lost_when_kafka_hangs_and_the_source_is_killed_meanwhile(
    mosquitto: Mosquitto, kafka_bootstrap: str
) -> None:
    await make_session(mosquitto, kafka_bootstrap)
    async with started(mosquitto, kafka_bootstrap) as source:
        await mosquitto.publish(TOPIC, encode(reading(0)))
        await in_kafka(kafka_bootstrap, 0)
        with frozen(kafka_bootstrap):
            await mosquitto.publish(TOPIC, encode(reading(1)), encode(reading(2)))
            await until(lambda: has_sent(mosquitto, 3), what="the messages at the source")
            source.kill()
            await source.wait()
            await mosquitto.publish(TOPIC, encode(reading(3)))
    async with running(mosquitto, kafka_bootstrap):
        await in_kafka(kafka_bootstrap, 0, 1, 2, 3)


async def test_sigterm_stops_the_command_at_once_and_the_session_stays(
    mosquitto: Mosquitto, kafka_bootstrap: str
) -> None:
    for second in range(2):
        async with started(mosquitto, kafka_bootstrap) as source:
            if second == 0:
                await until(lambda: has_subscribed(mosquitto), what="the subscription")
                await mosquitto.publish(TOPIC, encode(reading(0)))
            await in_kafka(kafka_bootstrap, second)
            source.send_signal(signal.SIGTERM)
            async with asyncio.timeout(STOP_SECONDS):
                assert await source.wait() == 0
        await mosquitto.publish(TOPIC, encode(reading(second + 1)))


async def has_sent(mosquitto: Mosquitto, messages: int) -> bool:
    return mosquitto.logged(SENT) == messages


@asynccontextmanager
async def started(
    mosquitto: Mosquitto, bootstrap: str, *, url: str | None = None, **env: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The command, as a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "urbanclear", "source", "mqtt"),
        *("--broker", url or mosquitto.url, "--topic", FILTER),
        env={**os.environ, "URBANCLEAR_KAFKA_BOOTSTRAP": bootstrap, **env},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_a_wrong_password_ends_the_command_with_a_sentence_that_does_not_show_it(
    tmp_path: Path, password_file: Path, kafka_bootstrap: str
) -> None:
    async with running_mosquitto(tmp_path, f"password_file {password_file}") as mosquitto:
        url = mosquitto.url.replace("mqtt://", f"mqtt://{USER}@")
        wrong = {"URBANCLEAR_MQTT_PASSWORD": "wrong-one"}
        async with started(mosquitto, kafka_bootstrap, url=url, **wrong) as source:
            _, err = await source.communicate()
    assert source.returncode == 1
    assert "refuses the connection" in err.decode()
    assert "URBANCLEAR_MQTT_PASSWORD" in err.decode()
    assert "wrong-one" not in err.decode()


async def test_a_user_connects_by_tls_with_the_password_of_the_environment(
    tmp_path: Path, password_file: Path, certificate: tuple[Path, Path], kafka_bootstrap: str
) -> None:
    key, own = certificate
    settings = (f"password_file {password_file}", f"certfile {own}", f"keyfile {key}", f"cafile {own}")
    async with running_mosquitto(tmp_path, *settings) as mosquitto:
        url = mosquitto.url.replace("mqtt://", f"mqtts://{USER}@")
        trust = {"SSL_CERT_FILE": str(own), "URBANCLEAR_MQTT_PASSWORD": PASSWORD}
        async with started(mosquitto, kafka_bootstrap, url=url, **trust) as source:
            await until(lambda: has_subscribed(mosquitto), what="the subscription")
            assert source.returncode is None
