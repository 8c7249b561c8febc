"""The simulated city's incidents against what `urbanclear spark stream` finds of them.

Two days after those from which it knows what is normal, every sensor of the city's links speaks every 30 seconds. An
incident counts where for ten minutes some sensor is 30 % below what it would be without; it is found in time where a
drop is told at a sensor that it slows, within five minutes of the first that is so slow. A drop that is told where
nothing slowed the sensor, and where it did not fail, is a false alarm.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from psycopg import AsyncConnection
from psycopg.rows import dict_row

from bench.figures import Figure, figure
from bench.ingest.broker import running_broker
from bench.running_stack import empty_folder
from bench.spark.city import NOW, simulated, urbanclear
from schema.events import Reading
from schema.publisher import open_publisher
from urbanclear.settings import Settings

Say = Callable[[str], None]
SENSORS: Final = 526  # one on each link
INTERVAL: Final = timedelta(seconds=30)
SLOWED: Final = 0.7
LEAST: Final = timedelta(minutes=10)  # that an incident slows some sensor
IN_TIME: Final = timedelta(minutes=5)
HELD: Final = timedelta(minutes=1)  # a drop has lasted that long when it is told, and is noted from its beginning
BEFORE: Final = timedelta(minutes=10)  # a drop may follow on what has just ended
PUBLISHED: Final = ["sensor", "time", "speed_kmh", "volume_vph"]
_DROPS: Final = """
    SELECT external_id AS sensor, time AS start, ended_at AS end
    FROM anomalies JOIN sensors ON sensors.id = sensor_id
    WHERE anomalies.kind = 'speed_drop' AND time >= %s
"""


@dataclass(frozen=True)
class Found:
    """How many incidents there were, how soon those that were found were, and how many drops nothing explains."""

    incidents: int
    delays: list[timedelta]
    false_alarms: int
    sensor_days: float

    def figures(self) -> list[Figure]:
        """Each of one run."""
        in_time = sum(delay <= IN_TIME for delay in self.delays)
        minutes = [delay / timedelta(minutes=1) for delay in self.delays]
        return [
            figure("incident_recall_5min", "ratio", [in_time / self.incidents]),
            figure("incident_recall", "ratio", [len(self.delays) / self.incidents]),
            figure("incident_delay_min", "min", [float(np.median(minutes))] if minutes else [float("nan")]),
            figure("false_alarms_per_sensor_day", "alarms", [self.false_alarms / self.sensor_days]),
        ]


async def measure_incidents(settings: Settings, url: str, span: timedelta, say: Say) -> Found:
    """On a database that knows what is normal until `NOW`."""
    async with empty_folder() as folder, running_broker(folder, settings) as broker:
        say("simulating what happens next")
        truth = await simulated(folder / "truth.parquet", NOW, NOW + span, f"{INTERVAL.seconds}s", SENSORS)
        say("publishing it")
        await _publish(truth, broker.bootstrap)
        say("looking for drops")
        env = {
            "URBANCLEAR_DATABASE_URL": url,
            "URBANCLEAR_KAFKA_BOOTSTRAP": broker.bootstrap,
            "URBANCLEAR_STREAM_CHECKPOINT": str(folder / "checkpoint"),
        }
        await urbanclear("spark", "stream", "--from-start", "--once", **env)
        rows = pd.read_parquet(truth)
        async with await AsyncConnection.connect(url, row_factory=dict_row) as connection:
            drops = await (await connection.execute(_DROPS.encode(), [NOW])).fetchall()
        return scored(rows, drops)


async def _publish(truth: Path, bootstrap: str) -> None:
    """All that the sensors said, a message a partition for each time."""
    async with open_publisher(bootstrap) as publisher:
        for batch in pq.ParquetFile(truth).iter_batches(columns=PUBLISHED):
            for readings in _polls(batch.to_pylist()):
                await publisher.publish_readings(readings)
        await publisher.flush()


def _polls(rows: Sequence[dict[str, Any]]) -> Iterator[list[Reading]]:
    spoke = (row for row in rows if row["speed_kmh"] is not None)
    for _, told in groupby(spoke, key=lambda row: row["time"]):
        yield [Reading(**row) for row in told]


def scored(truth: pd.DataFrame, drops: Sequence[dict[str, Any]]) -> Found:
    """What was found: of `drops` the sensor, and the times at which each began and ended (None: it lasts)."""
    by_sensor = {name: rows.sort_values("time") for name, rows in truth.groupby("sensor")}
    near_drops, false_alarms = [], 0
    for drop in drops:
        rows = by_sensor[drop["sensor"]]
        near = rows[(rows["time"] >= drop["start"] - BEFORE) & (rows["time"] <= _end(drop["end"], rows))]
        false_alarms += not (near["cause"].notna() | near["failing"].notna()).any()
        near_drops.append(near[(near["time"] >= drop["start"] + HELD) & near["cause"].notna()][["cause", "time"]])
    first_told = (
        pd.concat(near_drops).groupby("cause")["time"].min() if near_drops else pd.Series(dtype="datetime64[ns, UTC]")
    )
    slow = truth[truth["cause"].notna() & (truth["speed_kmh"] < SLOWED * truth["undisturbed_speed_kmh"])]
    times = slow.groupby("cause")["time"].agg(["min", "nunique"])
    felt = times[times["nunique"] * INTERVAL >= LEAST]["min"]
    both = pd.concat({"felt": felt, "told": first_told}, axis=1, join="inner")
    delays = [max(told - since, timedelta(0)) for since, told in zip(both["felt"], both["told"], strict=True)]
    days = (truth["time"].max() - truth["time"].min()) / timedelta(days=1)
    return Found(len(felt), delays, false_alarms, len(by_sensor) * days)


def _end(end: datetime | None, rows: pd.DataFrame) -> datetime:
    last: datetime = rows["time"].iloc[-1]
    return end or last
