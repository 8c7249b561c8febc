"""Readings as columns: what Kafka and the database give the state."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from schema.events import UNREADABLE, Reading, decode, decode_readings
from schema.rollups import MEASURES
from urbanclear.errors import InvalidEvent

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True)
class Observed:
    """`n` readings: the sensors' external ids, times in microseconds since 1970, and measures, [MEASURES, n], NaN
    where there is none."""

    sensors: Sequence[str]
    times: NDArray[np.int64]
    measures: NDArray[np.float32]

    @classmethod
    def of(cls, readings: Sequence[Reading]) -> "Observed":
        times = np.array([microseconds(reading.time) for reading in readings], np.int64)
        measures = np.array([[getattr(one, name) for one in readings] for name in MEASURES], np.float32)
        return cls([reading.sensor for reading in readings], times, measures)

    def __len__(self) -> int:
        return len(self.sensors)


def microseconds(time: datetime) -> int:
    """Since 1970."""
    return (time - EPOCH) // MICROSECOND


def readings_in(value: bytes) -> tuple[list[Reading], int]:
    """The readings in a message, and how much of it is none: ingest makes a dead letter of that."""
    try:
        return decode_readings(value), 0
    except InvalidEvent:
        pass
    try:
        elements = msgspec.json.decode(value, type=list[msgspec.Raw])
    except UNREADABLE:
        return [], 1
    found = list(_valid(elements))
    return found, len(elements) - len(found)


def _valid(elements: Iterable[msgspec.Raw]) -> Iterable[Reading]:
    for element in elements:
        try:
            yield decode(Reading, bytes(element))
        except InvalidEvent:
            continue
