"""How long the dashboards' queries take over 30 days of 1,000 sensors, every one asked as Grafana asks it."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Final

from psycopg import AsyncConnection

from bench.database import fresh_database
from bench.figures import Figure, figure
from bench.schema import DAYS, FULL_ROWS, City, filled
from bench.spark.city import urbanclear
from schema.calendar import write_calendar
from schema.chunks import Chunks
from schema.engines import engine_of
from schema.measures.forecasts import score_forecasts
from schema.upgrade import upgrade
from urbanclear.settings import Settings

Say = Callable[[str], None]

RUNS: Final = 3
#: What batch jobs and forecasts write, as much of it as a city of 1,000 sensors has; forecasts of the last 2 hours.
_RESULTS: Final = (
    """
    INSERT INTO spark_runs (id, job, status, span_start, span_end, parameters, code_version)
    VALUES ('bench', 'patterns', 'succeeded', now() - interval '30 days', now(), '{}', '0')
    """,
    """
    INSERT INTO profiles (subject_kind, subject, day_type, minute, speed_kmh, lower_kmh, upper_kmh, days, run_id)
    SELECT 'sensor', external_id, day_type, minute, 70, 50, 90, 20, 'bench'
    FROM sensors, unnest('{weekday,saturday,sunday}'::text[]) AS day_type, generate_series(0, 1425, 15) AS minute
    """,
    """
    INSERT INTO predictions (sensor_id, time, made_at, speed_kmh, lower_kmh, upper_kmh, model)
    SELECT id, made_at + ahead * interval '5 minutes', made_at, 70, 60, 80, 'network-1'
    FROM sensors, generate_series(now() - interval '2 hours', now(), interval '1 minute') AS made_at,
         generate_series(1, 12) AS ahead
    """,
    """
    INSERT INTO anomalies (sensor_id, time, kind, ended_at, score, expected, observed, run_id)
    SELECT id, began_at, 'speed_drop', began_at + interval '10 minutes', 5, 70, 30, 'bench'
    FROM sensors, generate_series(now() - interval '100 hours', now(), interval '5 hours') AS began_at
    """,
)


async def measure(settings: Settings, rows: int, say: Say) -> tuple[str, list[Figure]]:
    """The engine's name; how long the slowest query takes, and the median one, each by the median of its runs."""
    async with fresh_database(settings) as url:
        await asyncio.to_thread(upgrade, url, settings.keeping_forever())
        async with await AsyncConnection.connect(url, autocommit=True) as connection:
            end = datetime.now(UTC).replace(second=0, microsecond=0)
            city = City(
                connection, engine_of(url), timedelta(seconds=30) * FULL_ROWS / rows, end - timedelta(days=DAYS), end
            )
            await filled(city, DAYS, say)
            hours = [end + timedelta(hours=number) for number in range(-101, 3)]
            for relation in ("predictions", "anomalies"):
                await Chunks(city.engine).ensure(connection, relation, hours)
            for statement in _RESULTS:
                await connection.execute(statement.encode())
            await write_calendar(connection, settings)
            await score_forecasts(connection, settings)
            await connection.execute("VACUUM ANALYZE")
            return city.engine.name, await _asked(url, say)


async def _asked(url: str, say: Say) -> list[Figure]:
    taken: dict[str, list[float]] = defaultdict(list)
    for run in range(RUNS + 1):
        say(f"all queries, {run} of {RUNS}")
        told = await urbanclear("grafana", "check", "--days", str(DAYS), "--json", URBANCLEAR_DATABASE_URL=url)
        for answer in json.loads(told) if run else ():  # the first brings the data into memory
            taken[f"{answer['asked']['board']}: {answer['asked']['title']}"].append(answer["ms"])
    slowest = sorted(taken, key=lambda name: -median(taken[name]))
    for name in slowest[:5]:
        say(f"{name}: {median(taken[name]):.0f} ms")
    return [
        figure("dashboard_slowest_ms", "ms", taken[slowest[0]]),
        figure("dashboard_median_ms", "ms", [median(times) for times in taken.values()]),
    ]
