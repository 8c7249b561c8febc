"""How well failures of sensors are foreseen: `urbanclear spark maintenance` against the simulator's own failures.

A database of its own gets weeks of the simulator's sensors, a reading each 5 minutes. The job is run as it would have
been at the end of several days, and its first ten are compared with what the simulator's truth says failed in the 7
days that followed. A failure is half an hour or more.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Final

import pyarrow.compute as pc
import pyarrow.parquet as pq
from psycopg import AsyncConnection

from bench.database import fresh_database
from bench.figures import Figure, figure
from bench.spark.city import fill, simulated, urbanclear
from urbanclear.settings import Settings

Say = Callable[[str], None]
DAY: Final = timedelta(days=1)
STEP: Final = timedelta(minutes=5)
HORIZON: Final = timedelta(days=7)
LEAST: Final = timedelta(minutes=30)
LISTED: Final = 10
START: Final = datetime(2026, 3, 2, tzinfo=UTC)

_FIRST: Final = """
    SELECT external_id FROM maintenance JOIN sensors ON id = sensor_id WHERE rank <= %s ORDER BY rank
"""


@dataclass(frozen=True)
class Failing:
    """A reading of the simulator's that is missing (silent) or stuck."""

    time: datetime
    sensor: str
    kind: str


@dataclass(frozen=True)
class Scored:
    """One list against what followed: shares that failed of its first ten and of all, and after how many days."""

    precision: float
    base: float
    lead_days: list[float]


async def measure_maintenance(
    settings: Settings, say: Say, *, sensors: int = 500, days: int = 28, runs: int = 4
) -> list[Figure]:
    """Lists made every other day up to the last of the `days`, each from all that came before it."""
    ends = [START + (days - 2 * run) * DAY for run in reversed(range(runs))]
    with tempfile.TemporaryDirectory() as folder:
        say(f"{days + HORIZON.days} days of {sensors} sensors")
        before = await simulated(Path(folder) / "before.parquet", START, ends[-1], "5m", sensors)
        after = await simulated(Path(folder) / "after.parquet", ends[-1], ends[-1] + HORIZON, "5m", sensors)
        begun = begun_failures([*_failing(before), *_failing(after)])
        async with fresh_database(settings) as url:
            await fill(settings, url, before, say)
            scores = []
            for end in ends:
                say(f"the list of {end:%d %B}")
                scores.append(score(await _listed(url, end), sensors, begun, end))
    return figures(scores)


def figures(scores: Sequence[Scored]) -> list[Figure]:
    """The first ten that fail, over what a random list would reach, and how long before it they are listed."""
    leads = [lead for one in scores for lead in one.lead_days]
    precisions, bases = [one.precision for one in scores], [one.base for one in scores]
    return [
        figure("maintenance_precision_at_10", "share", precisions, bases),
        *([figure("maintenance_lead_days", "d", leads)] if leads else []),
    ]


def begun_failures(failing: Sequence[Failing]) -> dict[str, list[datetime]]:
    """When each sensor began to fail for half an hour or more, in order."""
    begun: dict[str, list[datetime]] = {}
    in_order = sorted(failing, key=lambda one: (one.sensor, one.kind, one.time))
    for (sensor, _), ones in groupby(in_order, key=lambda one: (one.sensor, one.kind)):
        times = [one.time for one in ones]
        begun.setdefault(sensor, []).extend(start for start, length in _stretches(times) if length >= LEAST)
    return {sensor: sorted(times) for sensor, times in begun.items()}


def _stretches(times: Sequence[datetime]) -> Iterator[tuple[datetime, timedelta]]:
    """Start and length of those that follow one another without a gap."""
    places = [(time, time - number * STEP) for number, time in enumerate(times)]
    for _, together in groupby(places, key=itemgetter(1)):
        moments = [time for time, _ in together]
        yield moments[0], len(moments) * STEP


def score(listed: Sequence[str], sensors: int, begun: dict[str, list[datetime]], end: datetime) -> Scored:
    """A list made at `end`, of a city of so many sensors."""
    next_days = {
        sensor: (after[0] - end) / DAY
        for sensor, times in begun.items()
        if (after := [time for time in times if end <= time < end + HORIZON])
    }
    leads = [next_days[sensor] for sensor in listed if sensor in next_days]
    return Scored(len(leads) / len(listed), len(next_days) / sensors, leads)


def _failing(truth: Path) -> list[Failing]:
    """Those of a file of the simulator's truth."""
    rows = pq.read_table(truth, columns=["time", "sensor", "failing"])
    found = rows.filter(pc.is_valid(rows["failing"])).to_pylist()
    return [Failing(row["time"], row["sensor"], row["failing"]) for row in found]


async def _listed(url: str, end: datetime) -> list[str]:
    """The first ten as of `end`."""
    with tempfile.TemporaryDirectory() as folder:
        span = ("--from", START.isoformat(), "--to", end.isoformat(), "--master", "local[2]")
        await urbanclear("spark", "maintenance", *span, URBANCLEAR_DATABASE_URL=url, URBANCLEAR_RESULTS_DIR=folder)
    async with await AsyncConnection.connect(url) as connection:
        cursor = await connection.execute(_FIRST, [LISTED])
        return [name for (name,) in await cursor.fetchall()]
