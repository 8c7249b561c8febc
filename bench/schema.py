"""Figures of the time series: storage, rollups against raw readings, everyday queries, the cost of refreshing.

A database of its own on the server is filled with 1,000 sensors over 30 days: 20 to a corridor, speeds to 0.1 km/h
that follow the hour of day with noise, counts of vehicles in 30 s, occupancy to 0.001. What the server's jobs do in
time is done at once, after each day: rollups are refreshed and old chunks go to the columnstore.
"""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import quantiles

from psycopg import AsyncConnection
from psycopg.rows import scalar_row

from bench.city import DAY_SQL, LATEST_SQL, SENSORS, SENSORS_SQL
from bench.database import fresh_database
from bench.figures import Figure, figure
from schema.chunks import Chunks
from schema.engines import Engine, engine_of
from schema.measures import Definition, compute_days
from schema.retention import Retention
from schema.upgrade import upgrade
from urbanclear.settings import Settings

Say = Callable[[str], None]

DAYS = 30
FULL_ROWS = SENSORS * DAYS * 2 * 1_440
RUNS, SAMPLES = 3, 40

_HOURLY_RAW = """
    SELECT date_bin('1 hour', time, timestamptz 'epoch') AS hour, avg(speed_kmh) FROM readings
    WHERE time >= %(start)s AND time < %(end)s GROUP BY hour ORDER BY hour
"""
_HOURLY = """
    SELECT time, sum(speed_kmh_sum) / sum(speed_kmh_count) FROM area_1h
    WHERE time >= %(start)s AND time < %(end)s GROUP BY time ORDER BY time
"""
_SENSOR_DAY = (
    "SELECT time, speed_kmh FROM readings_5m WHERE sensor_id = %(sensor)s AND time >= %(yesterday)s ORDER BY time"
)
_SENSOR_DAY_RAW = """
    SELECT date_bin('5 minutes', time, timestamptz 'epoch') AS bucket, avg(speed_kmh) FROM readings
    WHERE sensor_id = %(sensor)s AND time >= %(yesterday)s GROUP BY bucket ORDER BY bucket
"""
_CURRENT = "SELECT * FROM current_conditions"
_VIEWS = {
    "current_conditions": _CURRENT,
    "sensor_health": "SELECT * FROM sensor_health",
    "congestion_scan": "SELECT * FROM congestion_scan WHERE corridor = %(corridor)s AND time >= %(week)s",
    "corridor_travel_times": "SELECT * FROM corridor_travel_times WHERE corridor = %(corridor)s AND time >= %(week)s",
    "reliability_daily": "SELECT * FROM reliability_daily WHERE day >= %(week)s::date",
    "delay_daily": "SELECT * FROM delay_daily WHERE day >= %(week)s::date",
    "bottlenecks": "SELECT * FROM bottlenecks WHERE day >= %(week)s::date",
    "incident_impact": "SELECT * FROM incident_impact WHERE day >= %(week)s::date",
}


@dataclass
class City:
    """The database that is measured."""

    connection: AsyncConnection
    engine: Engine
    interval: timedelta
    start: datetime
    end: datetime

    @property
    def days(self) -> list[datetime]:
        return [self.start + number * timedelta(days=1) for number in range(DAYS)]

    async def seconds(self, query: str, **values: object) -> float:
        """How long `query` takes, its rows fetched."""
        began = time.perf_counter()
        await (await self.connection.execute(query.encode(), values)).fetchall()
        return time.perf_counter() - began

    async def number(self, query: str, **values: object) -> float:
        cursor = self.connection.cursor(row_factory=scalar_row)
        await cursor.execute(query.encode(), values)
        return float(await cursor.fetchone() or 0)


async def measure(settings: Settings, rows: int, say: Say) -> tuple[str, list[Figure]]:
    """The engine's name and all figures, for `rows` readings in all."""
    async with fresh_database(settings) as url:
        await asyncio.to_thread(upgrade, url, settings.keeping_forever())
        async with await AsyncConnection.connect(url, autocommit=True) as connection:
            end = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
            city = City(
                connection,
                engine_of(url),
                timedelta(seconds=30) * FULL_ROWS / rows,
                end - timedelta(days=DAYS),
                end,
            )
            figures = [await filled(city, 7, say)]
            figures += await _storage(city, say)
            figures += await _queries(city, say)
            return city.engine.name, figures


async def filled(city: City, measured_days: int, say: Say) -> Figure:
    """Fill the city by days, and the measures of the last ones; how long rollups took per million new readings."""
    await city.engine.pause_jobs(city.connection)
    await city.connection.execute(SENSORS_SQL.encode())
    chunks, refreshed = Chunks(city.engine), []
    for number, day in enumerate(city.days):
        say(f"day {number + 1} of {DAYS}")
        await chunks.ensure(city.connection, "readings", [day, day + timedelta(days=1) - city.interval])
        inserted = await city.connection.execute(DAY_SQL.format(table="readings").encode(), _day(city, day))
        began = time.perf_counter()
        await city.engine.catch_up(city.connection, Retention())
        refreshed.append((time.perf_counter() - began) * 1e6 / inserted.rowcount)
        await city.engine.compress(city.connection)
    await city.connection.execute(LATEST_SQL, {"start": city.end - timedelta(hours=1)})
    await city.connection.execute("VACUUM ANALYZE")
    say("measures of the last days")
    days = [(city.end - timedelta(days=number)).date() for number in range(1, measured_days + 1)]
    await compute_days(city.connection, days, Definition.of(Settings()))
    return figure("refresh_s_per_million", "s", refreshed)


def _day(city: City, day: datetime) -> dict[str, object]:
    return {"start": day, "end": day + timedelta(days=1), "interval": city.interval, "sensors": SENSORS}


async def _storage(city: City, say: Say) -> list[Figure]:
    """A reading's bytes over those in a plain table with the same index: once compressed, and of all 30 days."""
    say("storage")
    await city.connection.execute(
        "CREATE TABLE plain (sensor_id integer, time timestamptz, speed_kmh real, volume_vph real, occupancy real, "
        "travel_time_s real, flag smallint, PRIMARY KEY (sensor_id, time))"
    )
    stored = next(one for one in await city.engine.series(city.connection) if one.relation == "readings")
    rows = await city.number("SELECT sum(readings) FROM area_1d")
    compressed_rows = rows * stored.compressed_chunks / DAYS  # a chunk is a day, and every day is alike
    once_compressed, together = [], []
    for day in city.days[:: DAYS // RUNS]:
        inserted = await city.connection.execute(DAY_SQL.format(table="plain").encode(), _day(city, day))
        bare = await city.number("SELECT pg_total_relation_size('plain')") / inserted.rowcount
        together.append(stored.bytes / rows / bare)
        once_compressed.append(stored.bytes_after / compressed_rows / bare if stored.bytes_after else together[-1])
        await city.connection.execute("TRUNCATE plain")
    return [figure("storage_ratio", "×", once_compressed), figure("storage_30d_ratio", "×", together)]


async def _queries(city: City, say: Say) -> list[Figure]:
    span = {"start": city.start, "end": city.end}
    say("hourly means of 30 days")
    await city.seconds(_HOURLY, **span)
    hourly, raw = [], []
    for _ in range(RUNS):
        hourly.append(await city.seconds(_HOURLY, **span) * 1000)
        raw.append(await city.seconds(_HOURLY_RAW, **span) * 1000)
    say("one sensor, one day")
    day, day_raw = [], []
    for run in range(RUNS):
        chosen = [
            {"sensor": sensor, "yesterday": city.end - timedelta(days=1)}
            for sensor in random.Random(run).sample(range(1, SENSORS + 1), SAMPLES)
        ]
        day.append(_p95([await city.seconds(_SENSOR_DAY, **one) for one in chosen]))
        day_raw.append(_p95([await city.seconds(_SENSOR_DAY_RAW, **one) for one in chosen]))
    say("all sensors now")
    current = [_p95([await city.seconds(_CURRENT) for _ in range(SAMPLES)]) for _ in range(RUNS)]
    slowest, times = await _slowest_view(city, say)
    say(f"slowest view: {slowest}")
    return [
        figure("hourly_30d_speedup", "×", [bare / ours for ours, bare in zip(hourly, raw, strict=True)]),
        figure("hourly_30d_ms", "ms", hourly, raw),
        figure("sensor_24h_p95_ms", "ms", day, day_raw),
        figure("current_p95_ms", "ms", current),
        figure("views_p95_ms", "ms", times),
    ]


async def _slowest_view(city: City, say: Say) -> tuple[str, list[float]]:
    values = {"week": city.end - timedelta(days=7), "corridor": "Road 7 N"}
    found = {}
    for view, query in _VIEWS.items():
        say(view)
        found[view] = [_p95([await city.seconds(query, **values) for _ in range(SAMPLES // 4)]) for _ in range(RUNS)]
    slowest = max(found, key=lambda view: sorted(found[view])[RUNS // 2])
    return slowest, found[slowest]


def _p95(seconds: list[float]) -> float:
    """In milliseconds."""
    return quantiles(seconds, n=20, method="inclusive")[-1] * 1000
