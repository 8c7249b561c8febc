"""Computes the past anew: rollups as far back as readings are kept, measures as far back as 5-minute rollups are."""

from collections.abc import Callable
from datetime import date

from psycopg import AsyncConnection, Error

from schema.database import APPLICATION, problem_of
from schema.engines import engine_of
from schema.measures import Definition, compute_days
from schema.retention import Retention
from urbanclear.errors import ConfigurationError, StartError
from urbanclear.settings import Settings

_WITH_READINGS = "SELECT count(*) FROM measures.days WHERE day = ANY (%s) AND readings > 0"


async def reprocess(database_url: str, settings: Settings, days: list[date], done: Callable[[date], None]) -> int:
    """Recompute `days`, the city's own and in order; `done` is called after each. Returns how many have readings.

    Raises `ConfigurationError` for days whose 5-minute rollups are no longer kept, since their measures would be
    lost, and `StartError` when the database refuses.
    """
    definition, retention = Definition.of(settings), Retention.of(settings)
    start, end = definition.span(days[0])[0], definition.span(days[-1])[1]
    oldest = retention.oldest_bucket()
    if start < oldest:
        raise ConfigurationError(
            f"{days[0]} is older than 5-minute rollups are kept, so its measures stay as they are: begin after "
            f"{oldest:%Y-%m-%d}."
        )
    try:
        async with await AsyncConnection.connect(
            database_url, autocommit=True, connect_timeout=5, application_name=APPLICATION
        ) as connection:
            await engine_of(database_url).recompute(connection, start, end, retention)
            await compute_days(connection, days, definition, done)
            found = await connection.execute(_WITH_READINGS, [days])
            row = await found.fetchone()
            return int(row[0]) if row else 0
    except Error as error:
        raise StartError(f"The past could not be computed anew: {problem_of(error)}.") from error
