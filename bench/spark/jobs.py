"""The batch jobs over a month of the simulated city: how long all of them take, what half the days take, and how fast
the reading is against COPY of the same rows.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from psycopg import AsyncConnection

from bench.figures import Figure, figure
from bench.spark.city import DAY, NOW, urbanclear

Say = Callable[[str], None]
WARM: Final = 3  # readings after the first, which is cold
_COPY: Final = """
    COPY (
        SELECT sensor_id, extract(epoch FROM time)::bigint, speed_kmh::real, volume_vph::real, (stuck > 0)::integer
        FROM readings_5m WHERE readings > 0 AND time >= '{start}' AND time < '{end}'
    ) TO STDOUT
"""


@dataclass(frozen=True)
class Month:
    """A database that knows so many days until `NOW`."""

    url: str
    days: int
    results: Path

    async def spark(self, *arguments: str, days: float | None = None) -> str:
        """What a command on the last of the days, or on all of them, prints."""
        start = NOW - timedelta(days=days or self.days)
        span = ("--from", start.isoformat(), "--to", NOW.isoformat())
        env = {"URBANCLEAR_DATABASE_URL": self.url, "URBANCLEAR_RESULTS_DIR": str(self.results)}
        return await urbanclear("spark", *arguments, *span, "--json", **env)


async def measure_jobs(month: Month, rounds: int, say: Say) -> list[Figure]:
    """All jobs, Spark's start included, on all days and on half of them in turns; then the reading."""
    whole, half = [], []
    for number in range(rounds):
        say(f"all jobs, round {number + 1} of {rounds}")
        half.append(await _seconds(month, month.days / 2))
        whole.append(await _seconds(month, month.days))
    say("reading over JDBC")
    jdbc = json.loads(await month.spark("read", "--times", str(1 + WARM)))
    say("reading by COPY")
    copied = [await _copied(month) for _ in range(WARM)]
    rates = [jdbc["rows"] / seconds for seconds in jdbc["seconds"][1:]]
    return [
        figure("batch_s", "s", whole),
        figure("batch_doubled", "ratio", [one / other for one, other in zip(whole, half, strict=True)]),
        figure("jdbc_vs_copy", "rows/s", rates, [jdbc["rows"] / seconds for seconds in copied]),
    ]


async def _seconds(month: Month, days: float) -> float:
    began = time.perf_counter()
    await month.spark("all", days=days)
    return time.perf_counter() - began


async def _copied(month: Month) -> float:
    """Seconds in which all the rows come, and are counted."""
    statement = _COPY.format(start=(NOW - month.days * DAY).isoformat(), end=NOW.isoformat())
    async with await AsyncConnection.connect(month.url, autocommit=True) as connection, connection.cursor() as cursor:
        began = time.perf_counter()
        async with cursor.copy(statement.encode()) as copy:
            async for _ in copy:
                pass
        return time.perf_counter() - began
