"""All that is measured of Spark: its batch jobs and its stream, their speed, and what they find."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from bench.database import fresh_database
from bench.figures import Figure, figure
from bench.running_stack import empty_folder
from bench.spark.city import DAY, NOW, fill, simulated, urbanclear
from bench.spark.incidents import measure_incidents
from bench.spark.jobs import Month, measure_jobs
from bench.spark.maintenance import measure_maintenance
from bench.spark.stream import measure_stream, stream_figure
from urbanclear.settings import Settings

Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """How much is done."""

    sensors: int = 1_000
    days: int = 30
    rounds: int = 3
    watched: timedelta = timedelta(days=2)
    drops: int = 40
    maintenance_days: int = 28


FULL: Final = Plan()
QUICK: Final = Plan(sensors=526, days=3, rounds=1, watched=timedelta(hours=12), drops=3, maintenance_days=10)


async def measure(settings: Settings, plan: Plan, nab: Path | None, say: Say) -> list[Figure]:
    """On a database of its own each; `nab` is a folder of that benchmark's series with their windows."""
    figures = [] if nab is None else [await _nab(nab, say)]
    async with empty_folder() as folder, fresh_database(settings) as url:
        say(f"simulating {plan.days} days")
        truth = await simulated(folder / "truth.parquet", NOW - plan.days * DAY, NOW, "5m", plan.sensors)
        await fill(settings, url, truth, say)
        month = Month(url, plan.days, folder / "results")
        figures += await measure_jobs(month, plan.rounds, say)
        found = await measure_incidents(settings, url, plan.watched, say)
        figures += found.figures()
    figures += await measure_maintenance(settings, say, days=plan.maintenance_days)
    figures.append(stream_figure([await measure_stream(settings, plan.drops, say) for _ in range(plan.rounds)]))
    return figures


async def _nab(folder: Path, say: Say) -> Figure:
    say("scoring the series of the Numenta Anomaly Benchmark")
    told = await urbanclear("spark", "anomalies", "--format", "nab", "--path", str(folder), "--judge", "--json")
    return figure("nab_score", "points", [json.loads(told)["nab_score"]])
