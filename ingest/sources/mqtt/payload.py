"""What devices publish: a reading in JSON, or an array of them; the sensor may be named by the topic instead."""

import re
from dataclasses import dataclass
from typing import Final, Self

import msgspec

from schema.events import UNREADABLE
from schema.submitted import Check, Rejected, Submitted, items_of_json, sort_out
from urbanclear.errors import ConfigurationError, InvalidEvent

SHARED: Final = re.compile(r"^\$share/[^/]+/")  # of a shared subscription; topics of messages are without


@dataclass(frozen=True)
class SensorLevel:
    """Names the sensor of a message `source:id` after the level of its topic that matched the filter's `+`."""

    source: str
    place: int

    @classmethod
    def of(cls, topic_filter: str, source: str) -> Self:
        """Raises `ConfigurationError` where the filter has not exactly one `+`, or the source is no name."""
        levels = SHARED.sub("", topic_filter).split("/")
        if levels.count("+") != 1:
            raise ConfigurationError(f"--sensor-from-topic needs one + in --topic, and {topic_filter} has not one.")
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", source):
            raise ConfigurationError(f"{source!r} is no source: say small letters, digits and hyphens, such as hall.")
        return cls(source, levels.index("+"))

    def sensor(self, topic: str) -> str:
        """The sensor that `topic` names."""
        return f"{self.source}:{topic.split('/')[self.place]}"


def readings_of(topic: str, payload: bytes, level: SensorLevel | None, check: Check) -> Submitted:
    """The readings in a message, and what of it cannot be used: all of it, where it cannot be taken apart."""
    try:
        items = items_of_json(payload)
    except InvalidEvent as error:
        return Submitted(rejected=[Rejected(0, payload, error.reason, error.detail)])
    if level is not None:
        sensor = level.sensor(topic)
        items = [_named(item, sensor) for item in items]
    return sort_out(items, check)


def _named(item: bytes, sensor: str) -> bytes:
    """`item` with its sensor; as it is where it has one, or is no JSON object."""
    try:
        fields = msgspec.json.decode(item, type=dict[str, msgspec.Raw])
    except UNREADABLE:
        return item
    return item if "sensor" in fields else msgspec.json.encode({"sensor": sensor, **fields})
