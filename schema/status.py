"""How the time series are doing: chunks, sizes, how far rollups are refreshed, recurring jobs and their failures."""

from dataclasses import dataclass
from datetime import datetime

from psycopg import AsyncConnection
from psycopg.rows import class_row, scalar_row

from schema.engines import Engine, JobStatus, RollupStatus, SeriesStatus

_TASKS = """
    SELECT task AS name, NULL AS relation, last_success, runs, failures, error FROM upkeep ORDER BY task
"""
_NEWEST = "SELECT max(time) FROM current_conditions"


@dataclass(frozen=True)
class TimeSeriesStatus:
    """Everything at one moment; `newest_reading` is None in an empty database."""

    engine: str
    newest_reading: datetime | None
    series: list[SeriesStatus]
    rollups: list[RollupStatus]
    jobs: list[JobStatus]

    def lag_s(self, rollup: RollupStatus) -> float | None:
        """Seconds of readings that `rollup` still computes as it is asked for."""
        if self.newest_reading is None or rollup.refreshed_to is None:
            return None
        return max(0.0, (self.newest_reading - rollup.refreshed_to).total_seconds())


async def series_status(connection: AsyncConnection, engine: Engine) -> TimeSeriesStatus:
    """Ask the server behind `connection`, which is in autocommit."""
    newest = connection.cursor(row_factory=scalar_row)
    await newest.execute(_NEWEST)
    tasks = connection.cursor(row_factory=class_row(JobStatus))
    await tasks.execute(_TASKS)
    return TimeSeriesStatus(
        engine=engine.name,
        newest_reading=await newest.fetchone(),
        series=await engine.series(connection),
        rollups=await engine.rollups(connection),
        jobs=[*await engine.jobs(connection), *await tasks.fetchall()],
    )
