"""New York's links and collisions of January 2018, shifted by whole days so that they end now, in a database."""

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

SPEEDS = "nyc/dot_speeds_2018-01-01_2018-01-13_dev.csv.gz"
COLLISIONS = "nyc/nypd_collisions_2018-01_partial.csv.gz"
UNTIL = datetime(2018, 1, 14, 5, tzinfo=UTC)  # midnight in New York
DAYS = 8
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
#: What Spark, the forecasts and alerting write.
RESULTS = Path(__file__).with_name("results.sql")


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
        await engine.recompute(connection, now - (DAYS + 1) * DAY, now + HOUR, Retention())
        hours = [now - number * HOUR for number in range(-2, 24 * DAYS)]
        for table in ("predictions", "anomalies", "weather"):
            await Chunks(engine).ensure(connection, table, hours)
        await connection.execute(RESULTS.read_bytes())
    settings = Settings.model_validate({"database_url": url, "time_zone": "America/New_York"})
    await Upkeep(settings).once()
    with psycopg.connect(url, autocommit=True) as plain:
        plain.execute("ANALYZE")


async def _speeds(now: datetime, data: Path) -> AsyncIterator[Event]:
    recording, shift = _opened(now, data / SPEEDS)
    survey = await recording.look_over()
    for sensor in recording.sensors(survey):
        yield sensor
    async for block in recording.blocks(survey):
        for outcome in block:
            if isinstance(outcome, Reading):
                yield _counted(msgspec.structs.replace(outcome, time=outcome.time + shift))


async def _collisions(now: datetime, data: Path) -> AsyncIterator[Event]:
    recording, shift = _opened(now, data / COLLISIONS)
    survey = await recording.look_over()
    async for block in recording.blocks(survey):
        for outcome in block:
            if isinstance(outcome, Incident) and outcome.time + shift <= now:
                yield msgspec.structs.replace(
                    outcome, time=outcome.time + shift, started_at=outcome.started_at + shift
                )


def _opened(now: datetime, file: Path) -> tuple[Recording, timedelta]:
    """The stretch of a file that is the last days before now, and by how much it is to be shifted."""
    shift = (now - UNTIL) // DAY * DAY + DAY
    return Recording(file, None, None, Window(now - shift - DAYS * DAY, now - shift)), shift


def _counted(reading: Reading) -> Reading:
    """With what the file does not have: vehicles, more where it is slower, so that delay can be weighed."""
    if reading.speed_kmh is None or reading.speed_kmh > 150:
        return reading
    return msgspec.structs.replace(
        reading, volume_vph=1500 - 8 * reading.speed_kmh, occupancy=0.3 - 0.0015 * reading.speed_kmh
    )
