"""How well failures of sensors are foreseen: `urbanclear spark maintenance` against the simulator's own failures.

A database of its own gets weeks of 5 minutes of the simulator's sensors: a reading each but where the simulator says
that it is missing, flagged where it is stuck. The job is run as it would have been at the end of several days, and
its first ten are compared with what failed in the 7 days that followed. A failure is half an hour or more.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Final

import psycopg
import pyarrow.compute as pc
import pyarrow.parquet as pq
from psycopg import AsyncConnection

from bench.database import fresh_database
from bench.figures import Figure, figure
from schema.chunks import make_chunks
from schema.engines import engine_of
from schema.retention import Retention
from schema.upgrade import upgrade
from urbanclear.errors import StartError
from urbanclear.settings import Settings

Say = Callable[[str], None]
DAY: Final = timedelta(days=1)
STEP: Final = timedelta(minutes=5)
HORIZON: Final = timedelta(days=7)
LEAST: Final = timedelta(minutes=30)
LISTED: Final = 10
START: Final = datetime(2026, 3, 2, tzinfo=UTC)

_SENSORS: Final = "INSERT INTO sensors (external_id, name) SELECT name, name FROM unnest(%s::text[]) AS name"
_FAILING: Final = "CREATE TEMPORARY TABLE failing (time timestamptz, sensor text, failing text)"
_FILL: Final = """
    INSERT INTO readings (sensor_id, time, speed_kmh, flag)
    SELECT id, step, 60, CASE WHEN failing IS NOT NULL THEN 2 END
    FROM sensors CROSS JOIN generate_series(%s::timestamptz, %s::timestamptz - interval '1 s', '5 minutes') AS step
    LEFT JOIN failing ON sensor = external_id AND time = step
    WHERE failing IS DISTINCT FROM 'silent'
"""
_NOTE_LATEST: Final = """
    INSERT INTO latest_readings (sensor_id, time, speed_kmh)
    SELECT sensor_id, max(time), 60 FROM readings GROUP BY sensor_id
"""
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
    settings: Settings, say: Say, *, sensors: int = 500, days: int = 28, runs: int = 4, seed: int = 1
) -> list[Figure]:
    """Lists made every other day up to the last of the `days`, each from all that came before it."""
    say(f"{days + HORIZON.days} days of {sensors} sensors")
    ends = [START + (days - 2 * run) * DAY for run in reversed(range(runs))]
    names, failing = await asyncio.to_thread(_simulated, sensors, seed, ends[-1] + HORIZON)
    begun = begun_failures(failing)
    async with fresh_database(settings) as url:
        forever = {"readings_retention": None, "rollups_5m_retention": None}
        await asyncio.to_thread(upgrade, url, settings.model_copy(update=forever))
        await asyncio.to_thread(_fill, url, names, failing, ends[-1])
        async with await AsyncConnection.connect(url, autocommit=True) as connection:
            await engine_of(url).catch_up(connection, Retention())
        scores = []
        for end in ends:
            say(f"the list of {end:%d %B}")
            listed = await asyncio.to_thread(_list, url, end)
            scores.append(score(listed, names, begun, end))
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


def score(listed: Sequence[str], names: Sequence[str], begun: dict[str, list[datetime]], end: datetime) -> Scored:
    """A list made at `end`."""
    next_days = {
        sensor: (after[0] - end) / DAY
        for sensor, times in begun.items()
        if (after := [time for time in times if end <= time < end + HORIZON])
    }
    leads = [next_days[sensor] for sensor in listed if sensor in next_days]
    return Scored(len(leads) / len(listed), len(next_days) / len(names), leads)


def _simulated(sensors: int, seed: int, end: datetime) -> tuple[list[str], list[Failing]]:
    """All sensors, and what `urbanclear source truth` says is failing up to `end`."""
    with tempfile.TemporaryDirectory() as folder:
        place, span = f"{folder}/truth.parquet", ("--from", f"{START:%Y-%m-%d}", "--to", f"{end:%Y-%m-%d}")
        _said("source", "truth", place, *span, "--sensors", str(sensors), "--seed", str(seed))
        truth = pq.read_table(place, columns=["time", "sensor", "failing"])
    names = truth["sensor"].unique().to_pylist()
    rows = truth.filter(pc.is_valid(truth["failing"])).to_pylist()
    return names, [Failing(row["time"], row["sensor"], row["failing"]) for row in rows]


def _fill(url: str, names: list[str], failing: Sequence[Failing], end: datetime) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        days = [START + number * DAY for number in range((end - START).days + 1)]
        make_chunks(connection, engine_of(url), "readings", days)
        connection.execute(_SENSORS, [names])
        connection.execute(_FAILING)
        with connection.cursor().copy("COPY failing FROM STDIN") as copy:
            for one in failing:
                copy.write_row((one.time, one.sensor, one.kind))
        connection.execute("ANALYZE failing")
        connection.execute(_FILL, [START, end])
        connection.execute(_NOTE_LATEST)
        connection.execute("VACUUM ANALYZE readings")


def _list(url: str, end: datetime) -> list[str]:
    """The first ten as of `end`."""
    with tempfile.TemporaryDirectory() as folder:
        span = ["--from", START.isoformat(), "--to", end.isoformat(), "--master", "local[2]"]
        env = {"URBANCLEAR_DATABASE_URL": url, "URBANCLEAR_RESULTS_DIR": folder}
        _said("spark", "maintenance", *span, env=env)
    with psycopg.connect(url) as connection:
        return [name for (name,) in connection.execute(_FIRST, [LISTED])]


def _said(*words: str, env: dict[str, str] | None = None) -> str:
    command = [sys.executable, "-m", "urbanclear", *words]
    done = subprocess.run(command, env=os.environ | (env or {}), capture_output=True, text=True, check=False)
    if done.returncode:
        raise StartError(f"`urbanclear {' '.join(words)}` failed: {done.stderr.strip()[-500:]}")
    return done.stdout
