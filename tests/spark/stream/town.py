"""A town whose roads are at 100 km/h at any time of any day, and what its sensors say on Kafka."""

import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

import psycopg

from schema.events import Reading
from schema.publisher import open_publisher

SENSORS = 12
NORMAL_KMH = 100.0
JAM_KMH = 30.0
STEP = timedelta(seconds=30)
NORMAL_STEPS = 24
NAMES = [f"t:{number}" for number in range(1, SENSORS + 1)]

_SENSORS = "INSERT INTO sensors (external_id, name) SELECT name, name FROM unnest(%s::text[]) AS name ORDER BY name"
_RUN = """
    INSERT INTO spark_runs (id, job, status, ended_at, parameters, code_version)
    VALUES (%s, 'patterns', 'succeeded', clock_timestamp(), '{}', '0')
"""
_FORGET = "DELETE FROM profiles"
_PROFILES = """
    INSERT INTO profiles (subject_kind, subject, day_type, minute, speed_kmh, lower_kmh, upper_kmh, days, run_id)
    SELECT 'sensor', external_id, day_type, minute, %s, %s, %s, 20, %s
    FROM sensors, unnest(ARRAY['weekday', 'saturday', 'sunday']) AS day_type, generate_series(0, 1425, 15) AS minute
"""


def build(url: str, names: Iterable[str] = NAMES, *, with_band: bool = True) -> None:
    """The sensors, and what is normal for them."""
    with psycopg.connect(url) as connection:
        connection.execute(_SENSORS, [list(names)])
    if with_band:
        learn(url, "patterns-1")


def learn(url: str, run: str, speed_kmh: float = NORMAL_KMH) -> None:
    """A run of the patterns job found this for all sensors."""
    with psycopg.connect(url) as connection:
        connection.execute(_RUN, [run])
        connection.execute(_FORGET)
        connection.execute(_PROFILES, (speed_kmh, speed_kmh - 5, speed_kmh + 5, run))


class Clock:
    """Time passes in steps, from 40 minutes ago on."""

    def __init__(self) -> None:
        now = datetime.now(UTC).replace(microsecond=0)
        self.now = now - timedelta(minutes=40)

    def readings(self, steps: int, jammed: Mapping[str, float] | None = None) -> Iterator[list[Reading]]:
        """What all sensors say in so many steps; those in `jammed` are at that speed."""
        for _ in range(steps):
            self.now += STEP
            yield [
                Reading(sensor=name, time=self.now, speed_kmh=(jammed or {}).get(name, self._normal(place)))
                for place, name in enumerate(NAMES)
            ]

    def _normal(self, place: int) -> float:
        return NORMAL_KMH + math.sin(self.now.timestamp() / 17 + place)


async def publish(bootstrap: str, steps: Iterable[list[Reading]]) -> None:
    async with open_publisher(bootstrap) as publisher:
        for readings in steps:
            await publisher.publish_readings(readings)
