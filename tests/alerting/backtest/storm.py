"""New York's links in the first days of 2018, with a blizzard on 4 January, in a database; from the real files."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ingest.sources.replay.recording import Recording
from ingest.sources.replay.rows import Window
from schema.chunks import Chunks
from schema.events import Reading
from schema.retention import Retention
from tests.schema.city import City

START = datetime(2018, 1, 1, 5, tzinfo=UTC)  # midnight in New York
END = datetime(2018, 1, 14, 5, tzinfo=UTC)
STORM = (datetime(2018, 1, 4, 5, tzinfo=UTC), datetime(2018, 1, 5, 5, tzinfo=UTC))
SPEEDS = "nyc/dot_speeds_2018-01-01_2018-01-13_dev.csv.gz"

#: What the job `patterns` makes, in SQL: medians of the days' means by kind of day and quarter of an hour. All of the
#: file's days count, also that of the storm. 1 January is a public holiday.
PROFILES = """
    INSERT INTO profiles (subject_kind, subject, day_type, minute, speed_kmh, lower_kmh, upper_kmh, days, run_id)
    SELECT 'sensor', external_id, day_type, minute,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY kmh), percentile_cont(0.1) WITHIN GROUP (ORDER BY kmh),
           percentile_cont(0.9) WITHIN GROUP (ORDER BY kmh), count(*), 'storm'
    FROM (
        SELECT sensor_id, local::date AS day,
               CASE WHEN extract(isodow FROM local) = 7 OR local::date = '2018-01-01' THEN 'sunday'
                    WHEN extract(isodow FROM local) = 6 THEN 'saturday' ELSE 'weekday' END AS day_type,
               (extract(hour FROM local) * 60 + floor(extract(minute FROM local) / 15) * 15)::smallint AS minute,
               sum(speed_kmh_sum) / sum(speed_kmh_count) AS kmh
        FROM readings_5m CROSS JOIN LATERAL (SELECT time AT TIME ZONE 'America/New_York' AS local) AS there
        WHERE speed_kmh_count > 0
        GROUP BY 1, 2, 3, 4
    ) AS daily
    JOIN sensors ON sensors.id = sensor_id
    GROUP BY 2, 3, 4
"""


async def load(city: City, data: Path) -> None:
    """Sensors, readings, rollups, measures' links and profiles."""
    recording = Recording(data / SPEEDS, None, None, Window(START, END))
    survey = await recording.look_over()
    ids = {}
    for sensor in recording.sensors(survey):
        known = {
            name: getattr(sensor, name)
            for name in ("area", "road", "direction", "lat", "lon", "length_m", "free_flow_speed_kmh")
        }
        ids[sensor.external_id] = await city.sensor(sensor.name, external_id=sensor.external_id, **known)
    times = [START + timedelta(days=number) for number in range((END - START).days + 1)]
    await Chunks(city.engine).ensure(city.connection, "readings", times)
    copy = "COPY readings (sensor_id, time, speed_kmh, travel_time_s) FROM STDIN"
    seen = set()
    async with city.connection.cursor() as cursor, cursor.copy(copy) as writing:
        async for reading in _readings(recording, survey):
            row = (ids[reading.sensor], reading.time)
            if row not in seen:
                seen.add(row)
                await writing.write_row((*row, reading.speed_kmh, reading.travel_time_s))
    await city.engine.recompute(city.connection, START, END, Retention())
    await city.compute(STORM[0].date(), time_zone="America/New_York")
    await city.connection.execute(
        "INSERT INTO spark_runs (id, job, status, parameters, code_version) "
        "VALUES ('storm', 'patterns', 'succeeded', '{}', '1')"
    )
    await city.connection.execute(PROFILES)


async def _readings(recording: Recording, survey: object) -> AsyncIterator[Reading]:
    async for block in recording.blocks(survey):  # type: ignore[arg-type]
        for outcome in block:
            if isinstance(outcome, Reading):
                yield outcome
