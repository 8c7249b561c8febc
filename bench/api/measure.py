"""REST: each question alone, in turns with its bare SQL; then all of them mixed, 200 a second.

The bare part is a statement of the same rows, run and fetched by psycopg on a connection that is open.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import Final

from psycopg import AsyncConnection

from bench.api.city import fill
from bench.api.client import Connection, connect
from bench.api.questions import QUESTIONS, Question
from bench.figures import Figure, figure, p99
from bench.site import Site, running_site, without_sharing
from urbanclear.errors import StartError
from urbanclear.settings import Settings

Say = Callable[[str], None]

RATE: Final = 200.0
ALLOWANCE_MS: Final = 3.0


@dataclass(frozen=True)
class Plan:
    """How much is done."""

    days: int
    samples: int
    seconds: float
    rounds: int
    interval: timedelta = timedelta(minutes=1)


FULL: Final = Plan(days=7, samples=40, seconds=20, rounds=3)
QUICK: Final = Plan(days=1, samples=5, seconds=2, rounds=1)


async def measure(settings: Settings, plan: Plan, say: Say) -> list[Figure]:
    """p99 under load, each question against its SQL, and the worst of them: (REST − 3 ms) over SQL."""

    async def prepare(url: str) -> None:
        say(f"filling in {plan.days} days of 1,000 sensors")
        await fill(url, plan.days, plan.interval)

    async with running_site(settings, say, prepare) as site:
        async with without_sharing(site) as unshared:
            alone = [await _alone(unshared, plan, say) for _ in range(plan.rounds)]
        p99s = [await _mixed(site, plan, say) for _ in range(plan.rounds)]
    worst = [max((rest - ALLOWANCE_MS) / sql for rest, sql in one.values()) for one in alone]
    return [
        figure("rest_p99_ms", "ms", p99s),
        figure("rest_vs_sql", "ratio", worst),
        *[
            figure(f"rest_{name}_ms", "ms", [one[name][0] for one in alone], [one[name][1] for one in alone])
            for name in alone[0]
        ],
    ]


async def _alone(site: Site, plan: Plan, say: Say) -> dict[str, tuple[float, float]]:
    """The median of each question and of its SQL, in ms."""
    found = {}
    client = await connect(site.url)
    async with await AsyncConnection.connect(site.database_url, autocommit=True) as connection:
        for question in QUESTIONS:
            say(f"{question.name} and its SQL, in turns")
            found[question.name] = await _in_turns(client, connection, question, plan.samples)
    client.close()
    return found


async def _in_turns(
    client: Connection, connection: AsyncConnection, question: Question, samples: int
) -> tuple[float, float]:
    rest, sql = [], []
    for _ in range(samples):
        began = time.perf_counter()
        await client.get(question.path)
        rest.append((time.perf_counter() - began) * 1_000)
        began = time.perf_counter()
        await (await connection.execute(question.sql.encode())).fetchall()
        sql.append((time.perf_counter() - began) * 1_000)
    return median(rest), median(sql)


async def _mixed(site: Site, plan: Plan, say: Say) -> float:
    """p99 in ms of all questions, asked by another process."""
    say(f"{RATE:.0f} requests a second")
    paths = [question.path for question in QUESTIONS]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.api.load", site.url, str(RATE), str(plan.seconds), *paths),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    if process.returncode != 0:
        raise StartError("Requests were not answered as they should be: see what was said above.")
    took: list[float] = json.loads(out)
    return p99(took)
