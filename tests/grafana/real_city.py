"""New York's links and collisions of 2017, shifted by whole days so that they end now, in a database."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import psycopg
from psycopg import AsyncConnection

from ingest.sources.replay.recording import Recording
from ingest.sources.replay.rows import Window
from schema.chunks import Chunks
from schema.engines import engine_of
from schema.events import Event, Incident, Reading
from schema.retention import Retention
from schema.upkeep import Upkeep
from tests.ingest.storing import Store
from urbanclear.settings import Settings

SPEEDS = "nyc/dot_speeds_2017-09-04_2017-10-14_dev.csv.gz"
SPEEDS_UNTIL = datetime(2017, 10, 15, 4, tzinfo=UTC)  # midnight in New York
COLLISIONS = "nyc/nypd_collisions_2017-09-25_2017-10-01.csv.gz"
COLLISIONS_UNTIL = datetime(2017, 10, 2, 4, tzinfo=UTC)
DAYS = 8
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
#: What the files do not have: vehicles, more where it is slower, so that delay can be weighed.
VEHICLES = "UPDATE readings SET volume_vph = 1500 - 8 * speed_kmh WHERE speed_kmh < 150"


async def fill(url: str, data: Path) -> None:
    """Sensors, readings of the last eight days, incidents, rollups, measures, and what batch jobs write."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    async with Store(url) as ingest:
        for batch in [
            [event async for event in _speeds(now, data)],
            [event async for event in _collisions(now, data)],
        ]:
            for start in range(0, len(batch), 20_000):
                assert await ingest.store(batch[start : start + 20_000]) == []
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        engine = engine_of(url)
        await connection.execute(VEHICLES)
        await engine.recompute(connection, now - (DAYS + 1) * DAY, now + HOUR, Retention())
        hours = [now - number * HOUR for number in range(-2, 24 * DAYS)]
        await Chunks(engine).ensure(connection, "predictions", hours)
        await Chunks(engine).ensure(connection, "anomalies", hours)
        for statement in RESULTS:
            await connection.execute(statement)
    settings = Settings.model_validate({"database_url": url, "time_zone": "America/New_York"})
    await Upkeep(settings).once()
    with psycopg.connect(url, autocommit=True) as plain:
        plain.execute("ANALYZE")


async def _speeds(now: datetime, data: Path) -> AsyncIterator[Event]:
    shift = (now - SPEEDS_UNTIL) // DAY * DAY + DAY
    end = now - shift
    recording = Recording(data / SPEEDS, None, None, Window(end - DAYS * DAY, end))
    survey = await recording.look_over()
    for sensor in recording.sensors(survey):
        yield sensor
    async for block in recording.blocks(survey):
        for outcome in block:
            if isinstance(outcome, Reading):
                yield msgspec.structs.replace(outcome, time=outcome.time + shift)


async def _collisions(now: datetime, data: Path) -> AsyncIterator[Event]:
    shift = (now - COLLISIONS_UNTIL) // DAY * DAY + DAY
    end = now - shift
    recording = Recording(data / COLLISIONS, None, None, Window(end - DAYS * DAY, end))
    survey = await recording.look_over()
    async for block in recording.blocks(survey):
        for outcome in block:
            if isinstance(outcome, Incident):
                times = {
                    name: time + shift
                    for name in ("time", "started_at", "cleared_at")
                    if (time := getattr(outcome, name)) is not None
                }
                yield msgspec.structs.replace(outcome, **times)


#: What Spark, the forecasts and alerting write, made by SQL of the readings that are there.
RESULTS = (
    b"""
    INSERT INTO spark_runs (id, job, status, span_start, span_end, parameters, code_version)
    VALUES ('patterns-1', 'patterns', 'succeeded', now() - interval '7 days', now(), '{}', '0')
    """,
    b"""
    INSERT INTO profiles (subject_kind, subject, day_type, minute, speed_kmh, lower_kmh, upper_kmh, days, run_id)
    SELECT 'sensor', external_id, day_type, minute, median, low, high, 7, 'patterns-1'
    FROM (
        SELECT sensor_id,
               (extract(hour FROM local) * 60 + floor(extract(minute FROM local) / 15) * 15)::smallint AS minute,
               percentile_cont(0.5) WITHIN GROUP (ORDER BY speed_kmh_sum / speed_kmh_count) AS median,
               percentile_cont(0.1) WITHIN GROUP (ORDER BY speed_kmh_sum / speed_kmh_count) AS low,
               percentile_cont(0.9) WITHIN GROUP (ORDER BY speed_kmh_sum / speed_kmh_count) AS high
        FROM readings_5m CROSS JOIN LATERAL (SELECT time AT TIME ZONE 'America/New_York' AS local) AS there
        WHERE speed_kmh_count > 0
        GROUP BY 1, 2
    ) AS normal
    JOIN sensors ON sensors.id = sensor_id
    CROSS JOIN unnest('{weekday,saturday,sunday}'::text[]) AS day_type
    """,
    b"""
    INSERT INTO predictions (sensor_id, time, made_at, speed_kmh, lower_kmh, upper_kmh, model)
    SELECT sensor_id, time + interval '5 minutes', time + interval '5 minutes' - ahead,
           1.05 * speed_kmh, 0.8 * speed_kmh, 1.3 * speed_kmh, 'network-1'
    FROM readings_5m CROSS JOIN unnest('{15 minutes,30 minutes,60 minutes}'::interval[]) AS ahead
    WHERE time > now() - interval '2 days' AND extract(minute FROM time) = 0 AND speed_kmh IS NOT NULL
    """,
)
