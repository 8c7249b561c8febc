"""The simulated city in a database of its own, and the truth about it beside."""

import asyncio
import io
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
from psycopg import AsyncConnection

from bench.city import LATEST_SQL
from schema.chunks import Chunks
from schema.engines import engine_of
from schema.measures import Definition, compute_days
from schema.retention import Retention
from schema.rollups import Flag
from schema.upgrade import upgrade
from urbanclear.settings import Settings

Say = Callable[[str], None]
DAY: Final = timedelta(days=1)
#: A Monday, midnight in New York: what is tried begins there, and what is known ends.
NOW: Final = datetime(2026, 10, 26, 4, tzinfo=UTC)
PER_ROAD: Final = 20
_SENSOR: Final = """
    INSERT INTO sensors (external_id, name, kind, area, road, direction, lat, lon, length_m, free_flow_speed_kmh)
    SELECT name, name, 'detector', 'area ' || n %% 5, 'Road ' || (n - 1) / %s, 'N', 40.7, -74, 1000, 90
    FROM unnest(%s::text[]) WITH ORDINALITY AS told (name, n)
    RETURNING id, external_id
"""
_COPY: Final = b"COPY readings (sensor_id, time, speed_kmh, volume_vph, flag) FROM STDIN (FORMAT csv)"


async def urbanclear(*arguments: str, **environment: str) -> str:
    """What a command prints; raises `RuntimeError` with what it says where it fails."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "urbanclear", *arguments),
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    told, complained = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"urbanclear {' '.join(arguments)}: {complained.decode()[-2_000:]}")
    return told.decode()


async def simulated(file: Path, start: datetime, end: datetime, interval: str, sensors: int) -> Path:
    """The truth of the simulated city in a span, as a Parquet file."""
    times = ("--from", f"{start:%Y-%m-%dT%H:%M:%S}", "--to", f"{end:%Y-%m-%dT%H:%M:%S}", "--interval", interval)
    await urbanclear("source", "truth", str(file), *times, "--sensors", str(sensors))
    return file


async def fill(settings: Settings, url: str, truth: Path, say: Say) -> None:
    """Give an empty database the schema, without an end to what is kept, and what the sensors said; rollups are up to
    date."""
    await asyncio.to_thread(upgrade, url, settings.keeping_forever())
    file, engine = pq.ParquetFile(truth), engine_of(url)
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        sensors = pc.unique(file.read_row_group(0, ["sensor"])["sensor"])
        cursor = await connection.execute(_SENSOR.encode(), (PER_ROAD, sensors.to_pylist()))
        numbers = {name: number for number, name in await cursor.fetchall()}
        ids = pa.array([numbers[name] for name in sensors.to_pylist()], pa.int32())
        chunks, days = Chunks(engine), set[datetime]()
        for group in range(file.num_row_groups):
            rows = file.read_row_group(group, ["time", "sensor", "speed_kmh", "volume_vph", "failing"])
            first, last = (time.as_py() for time in pc.min_max(rows["time"]).values())
            say(f"filling in {first:%Y-%m-%d}")
            await chunks.ensure(connection, "readings", [first, last])
            async with connection.cursor().copy(_COPY) as copy:
                await copy.write(_csv(rows, sensors, ids))
            days |= {first, last}
        say("bringing rollups up to date")
        await engine.catch_up(connection, Retention())
        await connection.execute(LATEST_SQL.encode(), {"start": max(days) - timedelta(hours=1)})
        await compute_days(connection, sorted({day.date() for day in days}), Definition.of(Settings()))
        await connection.execute("VACUUM ANALYZE")


def _csv(rows: pa.Table, sensors: pa.Array, ids: pa.Array) -> bytes:
    """Of the sensors that were not silent; what ingest would have flagged is."""
    spoke = rows.filter(pc.is_valid(rows["speed_kmh"]))
    stuck = pc.if_else(pc.fill_null(pc.equal(spoke["failing"], "stuck"), False), int(Flag.STUCK), None)
    columns = {
        "sensor_id": pc.take(ids, pc.index_in(spoke["sensor"], sensors)),
        "time": spoke["time"],
        "speed_kmh": spoke["speed_kmh"],
        "volume_vph": spoke["volume_vph"],
        "flag": stuck,
    }
    text = io.BytesIO()
    arrow_csv.write_csv(pa.table(columns), text, arrow_csv.WriteOptions(include_header=False))
    return text.getvalue()
