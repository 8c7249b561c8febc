"""All figures of ingest in one run: a backlog in both forms beside the bare parts and what one would write instead,
round by round, then memory while the database is away, and a steady stream.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from psycopg import AsyncConnection

from bench.figures import Figure, figure, p99
from bench.ingest import connect
from bench.ingest.backlog import drained_by_ingest, longest_seconds, until_begun, until_visible
from bench.ingest.bench import Bench, running_bench, verify
from bench.ingest.limits import Limit, copy_rate, faster_by_key, kafka_rate
from bench.ingest.load import SENSORS, Load
from bench.ingest.process import new_ingest, running
from bench.ingest.rivals import executemany_rate, orm_rate
from bench.ingest.visible import seconds_to_visible
from schema.engines import engine_of
from urbanclear.settings import Settings

Say = Callable[[str], None]

MEGABYTE: Final = 1_000_000
SINGLES_SHARE: Final = 0.2
RIVALS_SHARE: Final = 0.2  # of the single readings


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    rows: int
    rounds: int
    visible_seconds: float
    outage_seconds: float
    with_connect: bool

    @property
    def load(self) -> Load:
        return Load(max(1, self.rows // SENSORS))


FULL: Final = Plan(rows=10_000_000, rounds=3, visible_seconds=30, outage_seconds=15, with_connect=True)
QUICK: Final = Plan(rows=20_000, rounds=1, visible_seconds=1, outage_seconds=1, with_connect=False)


@dataclass
class Form:
    """What the rounds of one form of messages gave, in rows a second."""

    rates: list[float] = field(default_factory=list)
    rates_with_start: list[float] = field(default_factory=list)
    limits: list[Limit] = field(default_factory=list)
    peaks_mb: list[float] = field(default_factory=list)
    rivals: dict[str, list[float]] = field(default_factory=dict)

    @property
    def limit(self) -> str:
        """The stage that was the slower in the median."""
        kafka, database = (median(getattr(one, stage) for one in self.limits) for stage in ("kafka", "database"))
        return Limit(kafka, database).stage

    def figures(self, suffix: str) -> list[Figure]:
        limits = [one.rate for one in self.limits]
        found = [
            figure(f"ingest_rows_per_s{suffix}", "1/s", self.rates, limits),
            figure(f"ingest_rows_per_s_with_start{suffix}", "1/s", self.rates_with_start, limits),
            figure(f"ingest_vs_limit{suffix}", "×", _ratios(self.rates, limits)),
            figure(f"bare_kafka_rows_per_s{suffix}", "1/s", [one.kafka for one in self.limits]),
            figure(f"bare_copy_rows_per_s{suffix}", "1/s", [one.database for one in self.limits]),
        ]
        for name, rates in self.rivals.items():
            found.append(figure(f"{name}_rows_per_s", "1/s", rates))
            found.append(figure(f"ingest_vs_{name}", "×", _ratios(self.rates, rates)))
        return found


async def measure(settings: Settings, plan: Plan, say: Say) -> tuple[dict[str, object], list[Figure]]:
    """What holds for all figures, and the figures."""
    async with running_bench(settings, say) as bench:
        load = plan.load
        singles = load.part(SINGLES_SHARE)
        single = await _form(bench, plan, singles, single=True)
        batched = await _form(bench, plan, load, single=False)
        say("the database goes away")
        outage_mb = await _outage_mb(bench, load, plan.outage_seconds)
        visible = await seconds_to_visible(bench, plan.visible_seconds, plan.rounds)
        context = {
            "engine": (await asyncio.to_thread(engine_of, bench.server_url)).name,
            "rows": load.rows,
            "rows_single": singles.rows,
            "limit": batched.limit,
            "limit_single": single.limit,
        }
        peak_mb = max(*single.peaks_mb, *batched.peaks_mb, outage_mb)
        return context, [
            *batched.figures(""),
            *single.figures("_single"),
            figure("visible_p50_ms", "ms", [median(times) * 1000 for times in visible]),
            figure("visible_p99_ms", "ms", [p99(times) * 1000 for times in visible]),
            figure("consumer_rss_mb", "MB", [peak_mb]),
            figure("outage_rss_mb", "MB", [outage_mb]),
        ]


async def _form(bench: Bench, plan: Plan, load: Load, *, single: bool) -> Form:
    await bench.broker.fill(load, bench.say, single=single)
    if single and plan.with_connect:
        await connect.fill(bench, load.part(RIVALS_SHARE))
    bench.say("COPY in either order")
    by_key, form = await faster_by_key(bench, load), Form()
    for number in range(1, plan.rounds + 1):
        where = f"{'single readings' if single else 'batches'}, round {number} of {plan.rounds}"
        bench.say(f"{where}: ingest")
        async with bench.database() as url:
            drained, ingest = await drained_by_ingest(bench, url, load)
        form.rates.append(drained.rate)
        form.rates_with_start.append(drained.rate_with_start)
        form.peaks_mb.append(ingest.peak_bytes / MEGABYTE)
        bench.say(f"{where}: bare parts")
        form.limits.append(Limit(await kafka_rate(bench, load), await copy_rate(bench, load, by_key=by_key)))
        if single:
            bench.say(f"{where}: what one would write instead")
            await _rivals(bench, plan, load, form)
    return form


async def _rivals(bench: Bench, plan: Plan, load: Load, form: Form) -> None:
    rows = load.part(RIVALS_SHARE).rows
    rates = {"orm": await orm_rate(bench, load, rows), "executemany": await executemany_rate(bench, load, rows)}
    if plan.with_connect:
        rates["jdbc_sink"] = await connect.sink_rate(bench, load.part(RIVALS_SHARE))
    for name, rate in rates.items():
        form.rivals.setdefault(name, []).append(rate)


async def _outage_mb(bench: Bench, load: Load, seconds: float) -> float:
    """The most memory of ingest while the database goes away in the middle of a backlog; nothing is lost by that."""
    async with bench.database() as url:
        ingest = new_ingest(bench, url)
        async with running(ingest):
            async with await AsyncConnection.connect(url, autocommit=True) as connection:
                await until_begun(connection, ingest.process)
            async with bench.outage(url):
                await asyncio.sleep(seconds)
            async with await AsyncConnection.connect(url, autocommit=True) as connection:
                await until_visible(connection, bench.broker.last_keys(load), ingest.process, longest_seconds(load))
        await verify(url, load.rows)
    return ingest.peak_bytes / MEGABYTE


def _ratios(values: list[float], others: list[float]) -> list[float]:
    return [value / other for value, other in zip(values, others, strict=True)]
