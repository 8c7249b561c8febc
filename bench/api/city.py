"""The city that is asked about: readings of 1,000 sensors over some days up to now."""

from datetime import UTC, datetime, timedelta
from typing import Final

from psycopg import AsyncConnection

from bench.city import DAY_SQL, LATEST_SQL, SENSORS, SENSORS_SQL
from schema.chunks import Chunks
from schema.engines import engine_of
from schema.measures import Definition, compute_days
from schema.retention import Retention
from urbanclear.settings import Settings

DAY: Final = timedelta(days=1)


async def fill(url: str, days: int, interval: timedelta) -> None:
    """Fill a database with the newest schema: a reading of each sensor every `interval`."""
    end = datetime.now(UTC).replace(second=0, microsecond=0)
    engine, starts = engine_of(url), [end - DAY * number for number in range(days, 0, -1)]
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(SENSORS_SQL.encode())
        for start in starts:
            await Chunks(engine).ensure(connection, "readings", [start, start + DAY])
            values = {"start": start, "end": start + DAY, "interval": interval, "sensors": SENSORS}
            await connection.execute(DAY_SQL.format(table="readings").encode(), values)
            await engine.catch_up(connection, Retention())
        await connection.execute(LATEST_SQL.encode(), {"start": end - timedelta(hours=1)})
        await compute_days(connection, [start.date() for start in starts], Definition.of(Settings()))
        await connection.execute("VACUUM ANALYZE")
