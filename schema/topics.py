"""Kafka's topics, each named once, and the settings they are created with."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from schema.events import (
    Alert,
    Event,
    Incident,
    Prediction,
    Reading,
    Sensor,
    Weather,
    decode,
    decode_predictions,
    decode_readings,
)

DAY_MS: Final = 24 * 60 * 60 * 1000
LARGEST_LETTER_BYTES: Final = 2 * 1024 * 1024  # twice what brokers let in by default


@dataclass(frozen=True)
class Topic:
    """A topic: the event it carries (none: raw bytes) and its broker-side settings."""

    name: str
    event: type[Event] | None
    partitions: int | None = 1  # None: URBANCLEAR_KAFKA_PARTITIONS
    config: dict[str, str] = field(default_factory=dict)


SENSORS = Topic(
    "traffic.sensors", Sensor, config={"cleanup.policy": "compact,delete", "retention.ms": "-1"}
)  # the newest state of each is kept for ever
READINGS = Topic("traffic.readings", Reading, partitions=None, config={"retention.ms": str(7 * DAY_MS)})
INCIDENTS = Topic("traffic.incidents", Incident, config={"retention.ms": str(30 * DAY_MS)})
WEATHER = Topic("traffic.weather", Weather, config={"retention.ms": str(30 * DAY_MS)})
PREDICTIONS = Topic("traffic.predictions", Prediction, partitions=None, config={"retention.ms": str(DAY_MS)})
ALERTS = Topic("traffic.alerts", Alert, config={"retention.ms": str(30 * DAY_MS)})
DEAD_LETTERS = Topic(
    "traffic.dead-letters",
    None,
    config={"retention.ms": str(90 * DAY_MS), "max.message.bytes": str(LARGEST_LETTER_BYTES)},
)  # a rejected message has the size of any other, and headers on top

LONGEST_DETAIL: Final = 1_000  # characters
LONGEST_LETTER_BYTES: Final = 512 * 1024
"""What is kept of something rejected that is larger than a message may be."""

ALL: Final = (SENSORS, READINGS, INCIDENTS, WEATHER, PREDICTIONS, ALERTS, DEAD_LETTERS)

_EVENT_OF: Final = {topic.name: topic.event for topic in ALL if topic.event is not None}


def event_of(topic: str) -> type[Event]:
    """What a topic carries; raises `KeyError` for one that carries no events."""
    return _EVENT_OF[topic]


def decode_message(topic: str, value: bytes) -> Sequence[Event]:
    """The events in a message of `topic`: one, or of readings and predictions any number; raises `InvalidEvent`."""
    if topic == READINGS.name:
        return decode_readings(value)
    if topic == PREDICTIONS.name:
        return decode_predictions(value)
    return [decode(_EVENT_OF[topic], value)]
