"""Addresses of brokers, names of sensors and payloads, whatever is said in them."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from ingest.sources.live.breaker import full_jitter_s
from ingest.sources.mqtt.broker import Broker, check_granted
from ingest.sources.mqtt.payload import SensorLevel, readings_of
from ingest.sources.mqtt.source import MqttSource, up_to_longest
from schema.events import Reading, encode
from tests.schema.test_events import readings
from urbanclear.errors import ConfigurationError, SourceError
from urbanclear.settings import Settings

LEVEL = SensorLevel.of("city/+/readings", "hall")


@pytest.mark.parametrize(
    ("url", "host", "port", "tls", "user"),
    [
        ("mqtt://broker.example", "broker.example", 1883, False, None),
        ("mqtts://broker.example", "broker.example", 8883, True, None),
        ("mqtt://city%40hall@10.0.0.7:1884/", "10.0.0.7", 1884, False, "city@hall"),
        ("mqtts://city@[::1]:9", "::1", 9, True, "city"),
    ],
)
def test_an_address_says_where_and_as_whom(url: str, host: str, port: int, tls: bool, user: str | None) -> None:
    broker = Broker.parse(url, "id")
    assert (broker.host, broker.port, broker.tls, broker.user) == (host, port, tls, user)


@pytest.mark.parametrize(
    "url", ["", "broker:1883", "http://broker", "mqtt://", "mqtt://broker:port", "mqtt://b/topic", "mqtt://b?qos=1"]
)
def test_an_address_that_is_none_says_what_to_say(url: str) -> None:
    with pytest.raises(ConfigurationError, match="say mqtt://host:1883"):
        Broker.parse(url, "id")


def test_a_password_in_an_address_is_refused_and_not_shown() -> None:
    with pytest.raises(ConfigurationError, match="URBANCLEAR_MQTT_PASSWORD") as caught:
        Broker.parse("mqtt://city:geheim@broker", "id")
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("topic", ["city/#/readings", "city/a+/readings", ""])
def test_a_filter_that_is_none_is_refused_before_anything_connects(topic: str) -> None:
    with pytest.raises(ConfigurationError, match="no filter of topics"):
        MqttSource(Broker.parse("mqtt://broker", "id"), topic, Settings())


def test_a_subscription_that_the_broker_refuses_is_a_sentence_that_names_it() -> None:
    refused = ReasonCode(PacketTypes.SUBACK, "Not authorized")
    with pytest.raises(SourceError, match=r"subscribe to city/\+/readings \(Not authorized\)"):
        check_granted("city/+/readings", [refused])


@pytest.mark.parametrize(("failures", "longest"), [(1, 5.0), (2, 10.0), (9, 30.0)])
def test_the_wait_for_a_broker_that_is_away_grows_and_stays_bounded(failures: int, longest: float) -> None:
    waits = [full_jitter_s(failures, up_to_longest) for _ in range(500)]
    assert 0 <= min(waits) < longest / 2 < max(waits) <= longest


@pytest.mark.parametrize(("topic", "source"), [("city/readings", "hall"), ("+/+", "hall"), ("+/x", "Hall:1")])
def test_a_filter_or_a_source_that_names_no_sensor_is_refused(topic: str, source: str) -> None:
    with pytest.raises(ConfigurationError):
        SensorLevel.of(topic, source)


def test_the_level_is_that_of_the_plus_in_a_shared_subscription_too() -> None:
    assert SensorLevel.of("$share/group/city/+/readings", "hall").sensor("city/a7/readings") == "hall:a7"


@given(st.lists(readings, min_size=1, max_size=10), st.lists(st.booleans(), min_size=10, max_size=10))
def test_a_sensor_is_added_only_where_there_is_none(events: list[Reading], nameless: list[bool]) -> None:
    items = [json.loads(encode(event)) for event in events]
    for item, without in zip(items, nameless, strict=False):
        if without:
            del item["sensor"]
    found = readings_of("city/a7/readings", json.dumps(items).encode(), LEVEL, lambda _: None)
    expected = [
        msgspec.structs.replace(event, sensor="hall:a7") if without else event
        for event, without in zip(events, nameless, strict=False)
    ]
    assert (found.readings, found.rejected) == (expected, [])


@given(st.binary(max_size=100) | st.text(max_size=50).map(str.encode))
def test_whatever_bytes_come_are_rejected_as_they_came(payload: bytes) -> None:
    for level in (None, LEVEL):
        found = readings_of("city/a7/readings", payload, level, lambda _: None)
        assert found.readings == []
        assert all(part.item in payload for part in found.rejected)
