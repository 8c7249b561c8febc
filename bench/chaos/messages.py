"""What is sent while faults happen, and what has to become of it: the same messages for the same seed.

Readings alone and in batches, batches with bad elements among the good ones, readings said twice with the same or
another value, and poison (`poison.py`). Message `n` can be made again at any time, so that nobody has to keep it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final, NamedTuple

import msgspec

from bench.chaos.poison import ALL, WELL_FORMED, Poison
from schema.events import Reading, encode
from schema.rollups import MEASURES

SENSORS: Final = 600
STEP: Final = timedelta(milliseconds=250)
WITHIN: Final = timedelta(milliseconds=10)  # between readings of one sensor in one message
MOST_TIMES: Final = 5  # of a sensor in a batch
LATE_DAYS: Final = 5
KINDS: Final = ("single", "batch", "mixed", "repeat", "poison")
WEIGHTS: Final = (64, 18, 6, 6, 6)

Measures = tuple[float | None, ...]


class Good(NamedTuple):
    """A reading that has to be stored; `measures` in the order of MEASURES, exact as 32-bit numbers."""

    sensor: str
    time: datetime
    measures: Measures


class Bad(NamedTuple):
    """Bytes that have to become a dead letter; `item` is their number in a batch."""

    reason: str
    value: bytes
    item: int | None


@dataclass(frozen=True)
class Message:
    """A message of `traffic.readings` and the parts it consists of."""

    number: int
    partition: int
    key: bytes
    value: bytes | None
    parts: Sequence[Good | Bad]


class Script:
    """All messages, by number; times begin at `start`."""

    def __init__(self, seed: int, start: datetime, partitions: int) -> None:
        self._seed = seed
        self._start = start
        self._partitions = partitions

    def message(self, number: int) -> Message:
        """Message `number`; the first ones are one of each kind of poison."""
        chance = Random(f"{self._seed}/{number}")
        if number < len(ALL):
            return self._poisoned(number, chance, list(ALL.values())[number])
        match chance.choices(KINDS, WEIGHTS)[0]:
            case "batch":
                return self._batch(number, chance)
            case "mixed":
                return self._mixed(number, chance)
            case "repeat":
                return self._repeat(number, chance)
            case "poison":
                return self._poisoned(number, chance, chance.choice(list(ALL.values())))
        return self._single(number, chance)

    def _single(self, number: int, chance: Random) -> Message:
        sensor = chance.randrange(SENSORS)
        name = f"chaos:{sensor}" if chance.random() < 0.98 else f"chaos:{sensor}-naïve-{number}"
        return self._of_one(number, sensor, Good(name, self._time(number, chance), _measures(chance)))

    def _repeat(self, number: int, chance: Random) -> Message:
        """A reading of a sensor and time that another message has as well; whichever is first in Kafka stays."""
        earlier = self.message(number - chance.randint(1, min(number, 40)))
        said = [part for part in earlier.parts if isinstance(part, Good)]
        if not said:
            return self._single(number, chance)
        again = chance.choice(said)
        if chance.random() < 0.5:
            again = again._replace(measures=_measures(chance))
        return self._of_one(number, earlier.partition, again)

    def _poisoned(self, number: int, chance: Random, poison: Poison) -> Message:
        sensor = chance.randrange(SENSORS)
        good = Good(f"chaos:{sensor}", self._time(number, chance), _measures(chance))
        value = poison.make(_fields(good), chance)
        bad = Bad(poison.reason, value or b"", None)
        return Message(number, sensor % self._partitions, good.sensor.encode(), value, (bad,))

    def _batch(self, number: int, chance: Random) -> Message:
        readings = self._readings(number, chance)
        return self._of_many(number, readings, [_encoded(good) for good in readings])

    def _mixed(self, number: int, chance: Random) -> Message:
        """Some of its readings spoilt, and one said again with another value."""
        readings = self._readings(number, chance)
        parts: list[Good | Bad] = [*readings, readings[0]._replace(measures=_measures(chance))]
        for item in chance.sample(range(1, len(parts)), chance.randint(1, min(4, len(parts) - 1))):
            poison = chance.choice(list(WELL_FORMED.values()))
            value = poison.make(_fields(readings[item - 1]), chance)
            parts[item] = Bad(poison.reason, value or b"", item)
        values = [_encoded(part) if isinstance(part, Good) else part.value for part in parts]
        return self._of_many(number, parts, values, readings[0].sensor)

    def _readings(self, number: int, chance: Random) -> list[Good]:
        partition = chance.randrange(self._partitions)
        sensors = chance.sample(range(partition, SENSORS, self._partitions), chance.randint(2, 40))
        first = self._time(number, chance)
        times = [first + number * WITHIN for number in range(chance.randint(1, MOST_TIMES))]
        return [Good(f"chaos:{sensor}", time, _measures(chance)) for time in times for sensor in sensors]

    def _of_one(self, number: int, sensor: int, good: Good) -> Message:
        return Message(number, sensor % self._partitions, good.sensor.encode(), _encoded(good), (good,))

    def _of_many(
        self, number: int, parts: Sequence[Good | Bad], values: Sequence[bytes], first: str | None = None
    ) -> Message:
        key = first or next(part.sensor for part in parts if isinstance(part, Good))
        partition = int(key.removeprefix("chaos:")) % self._partitions
        return Message(number, partition, key.encode(), b"[" + b",".join(values) + b"]", parts)

    def _time(self, number: int, chance: Random) -> datetime:
        days_late = chance.randint(1, LATE_DAYS) if chance.random() < 0.05 else 0
        return self._start + number * STEP - timedelta(days=days_late)


def _measures(chance: Random) -> Measures:
    """At least one; some speeds are not plausible, which is stored with a flag."""
    found = (chance.randrange(1_400) / 4, float(chance.randrange(3_000)), chance.randrange(257) / 256, None)
    return tuple(value if place == 0 or chance.random() < 0.7 else None for place, value in enumerate(found))


def _reading(good: Good) -> Reading:
    return Reading(sensor=good.sensor, time=good.time, **dict(zip(MEASURES, good.measures, strict=True)))


def _encoded(good: Good) -> bytes:
    return encode(_reading(good))


def _fields(good: Good) -> dict[str, object]:
    fields: dict[str, object] = msgspec.to_builtins(_reading(good))
    return fields
