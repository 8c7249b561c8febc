"""How soon an anomaly is in the database: from the publishing of the reading that tells it to its row.

A city of 200 sensors speaks each second, in which 20 seconds of its own time pass. Sensor after sensor drops; the
fourth reading from then on is the one by which a drop has lasted a minute, and begins an anomaly.
"""

import asyncio
import math
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles
from typing import Final

from psycopg import AsyncConnection

from bench.database import fresh_database
from bench.figures import Figure, figure
from bench.ingest.broker import running_broker
from bench.ingest.process import started
from bench.running_stack import empty_folder
from schema.events import Reading
from schema.publisher import Publisher, open_publisher
from schema.upgrade import upgrade
from urbanclear.embedded.process import Process
from urbanclear.errors import StartError
from urbanclear.settings import Settings

Say = Callable[[str], None]

SENSORS: Final = 200
NORMAL_KMH: Final = 80.0
JAM_KMH: Final = 20.0
SECOND: Final = timedelta(seconds=20)  # of the city
TELLING: Final = 4  # the reading from the drop on that tells it
WARM_BATCHES: Final = 10
LOOK_SECONDS: Final = 0.02
LONGEST_SECONDS: Final = 300.0

_CITY: Final = f"""
    INSERT INTO sensors (external_id, name)
    SELECT 'bench:' || n, 'Sensor ' || n FROM generate_series(1, {SENSORS}) AS n
"""
_RUN: Final = """
    INSERT INTO spark_runs (id, job, status, ended_at, parameters, code_version)
    VALUES ('patterns-bench', 'patterns', 'succeeded', clock_timestamp(), '{}', 'bench')
"""
_BAND: Final = f"""
    INSERT INTO profiles (subject_kind, subject, day_type, minute, speed_kmh, lower_kmh, upper_kmh, days, run_id)
    SELECT 'sensor', external_id, day_type, minute,
           {NORMAL_KMH}, {NORMAL_KMH - 5}, {NORMAL_KMH + 5}, 20, 'patterns-bench'
    FROM sensors, unnest(ARRAY['weekday', 'saturday', 'sunday']) AS day_type, generate_series(0, 1425, 15) AS minute
"""
_FOUND: Final = """
    SELECT external_id FROM anomalies JOIN sensors ON sensors.id = sensor_id WHERE anomalies.kind = 'speed_drop'
"""
_BATCHES: Final = "SELECT coalesce(max(batch_id), 0) FROM anomaly_streams"


@dataclass
class Town:
    """The city's clock, what has dropped and at which of its seconds, and how long each took to be found."""

    drops: int
    warm: bool = False
    second: int = 0
    start: datetime = field(default_factory=lambda: datetime.now(UTC) - timedelta(hours=12))
    dropped: dict[str, int] = field(default_factory=dict)
    told: dict[str, float] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def readings(self) -> list[Reading]:
        """Of the next second."""
        self.second += 1
        if self.warm and len(self.dropped) < self.drops:
            self.dropped[f"bench:{len(self.dropped) + 1}"] = self.second
        return [self._reading(number) for number in range(1, SENSORS + 1)]

    def telling(self) -> list[str]:
        """The sensors whose drop the newest readings tell."""
        return [name for name, since in self.dropped.items() if self.second - since == TELLING - 1]

    def _reading(self, number: int) -> Reading:
        name = f"bench:{number}"
        speed = JAM_KMH if name in self.dropped else NORMAL_KMH + math.sin(self.second + number)
        return Reading(sensor=name, time=self.start + self.second * SECOND, speed_kmh=speed)


async def measure_stream(settings: Settings, drops: int, say: Say) -> list[float]:
    """Seconds from published to visible, of each of so many anomalies."""
    async with empty_folder() as folder, running_broker(folder, settings) as broker, fresh_database(settings) as url:
        await asyncio.to_thread(upgrade, url, settings)
        async with await AsyncConnection.connect(url, autocommit=True) as connection:
            for statement in (_CITY, _RUN, _BAND):
                await connection.execute(statement.encode())
            town = Town(drops)
            async with (
                _stream(folder, url, broker.bootstrap) as process,
                open_publisher(broker.bootstrap) as publisher,
            ):
                await _watch(town, connection, publisher, process, say)
            if process.exit_code != 0:
                raise process.failure()
            return list(town.seconds.values())


def stream_figure(rounds: Sequence[Sequence[float]]) -> Figure:
    """What 95 of 100 anomalies do not take longer than, the median of the rounds."""
    return figure("stream_p95_s", "s", [quantiles(seconds, n=20, method="inclusive")[-1] for seconds in rounds])


@asynccontextmanager
async def _stream(folder: Path, url: str, bootstrap: str) -> AsyncIterator[Process]:
    """`urbanclear spark stream`, as a user starts it."""
    env = {
        "URBANCLEAR_DATABASE_URL": url,
        "URBANCLEAR_KAFKA_BOOTSTRAP": bootstrap,
        "URBANCLEAR_STREAM_CHECKPOINT": str(folder / "checkpoint"),
    }
    process = Process("stream", [sys.executable, "-m", "urbanclear", "spark", "stream"], folder / "stream.log", env)
    async with started(process):
        yield process


async def _watch(town: Town, connection: AsyncConnection, publisher: Publisher, process: Process, say: Say) -> None:
    """Let the city speak each second until all that dropped is found."""
    publishing = asyncio.create_task(_publish(town, publisher))
    deadline = time.monotonic() + LONGEST_SECONDS + town.drops
    try:
        while len(town.seconds) < town.drops:
            if publishing.done():
                publishing.result()
            if not process.running or time.monotonic() > deadline:
                raise StartError(f"The stream found {len(town.seconds)} of {town.drops}. {process.failure()}")
            await _look(town, connection, say)
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        publishing.cancel()


async def _look(town: Town, connection: AsyncConnection, say: Say) -> None:
    if not town.warm:
        row = await (await connection.execute(_BATCHES)).fetchone()
        town.warm = row is not None and row[0] >= WARM_BATCHES
        say("starting Spark")
        return
    found = {name for (name,) in await (await connection.execute(_FOUND)).fetchall()}
    for name in found & town.told.keys() - town.seconds.keys():
        town.seconds[name] = time.perf_counter() - town.told[name]
    say(f"found {len(town.seconds)} of {town.drops} drops")


async def _publish(town: Town, publisher: Publisher) -> None:
    began = time.perf_counter()
    while True:
        readings = town.readings()
        town.told |= dict.fromkeys(town.telling(), time.perf_counter())
        await publisher.publish_readings(readings)
        await publisher.flush()
        await asyncio.sleep(max(0.0, began + town.second - time.perf_counter()))
