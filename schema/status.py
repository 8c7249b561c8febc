"""How the time series are doing: chunks, sizes, how far rollups are refreshed, recurring jobs and their failures."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection, Error
from psycopg.rows import class_row, scalar_row
from rich.filesize import decimal
from rich.table import Table
from sqlalchemy.exc import DBAPIError

from schema.database import APPLICATION, problem_of
from schema.engines import Engine, JobStatus, RollupStatus, SeriesStatus, engine_of
from urbanclear.errors import StartError

_TASKS = """
    SELECT task AS name, NULL AS relation, last_success, runs, failures, error FROM upkeep ORDER BY task
"""
_NEWEST = "SELECT max(time) FROM latest_readings"


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


async def fetch_status(database_url: str) -> TimeSeriesStatus:
    """The status of the server at `database_url`; raises `StartError` when it cannot be asked."""
    try:
        async with await AsyncConnection.connect(
            database_url, autocommit=True, connect_timeout=5, application_name=APPLICATION
        ) as connection:
            return await series_status(connection, engine_of(database_url))
    except Error as error:
        raise StartError(f"The time series cannot be asked: {problem_of(error)}.") from error
    except DBAPIError as error:
        raise StartError(f"The time series cannot be asked: {problem_of(error.orig)}.") from error


def to_builtins(status: TimeSeriesStatus) -> dict[str, Any]:
    """For JSON: times as RFC 3339, lags in seconds."""
    lags = {rollup.relation: status.lag_s(rollup) for rollup in status.rollups}
    report = asdict(status)
    for rollup in report["rollups"]:
        rollup["lag_s"] = lags[rollup["relation"]]
        rollup["refreshed_to"] = _iso(rollup["refreshed_to"])
    for job in report["jobs"]:
        job["last_success"] = _iso(job["last_success"])
    return {**report, "newest_reading": _iso(status.newest_reading)}


def tables(status: TimeSeriesStatus) -> Iterator[Table]:
    """For people."""
    series = Table("time series", "chunks", "compressed", "size", "compressed from", "to", title=status.engine)
    for one in status.series:
        sizes = ("–" if size is None else decimal(size) for size in (one.bytes, one.bytes_before, one.bytes_after))
        series.add_row(one.relation, str(one.chunks), str(one.compressed_chunks), *sizes)
    yield series
    rollups = Table("rollup", "refreshed to", "lag")
    for rollup in status.rollups:
        lag = status.lag_s(rollup)
        rollups.add_row(rollup.relation, _iso(rollup.refreshed_to) or "–", "–" if lag is None else f"{lag:.0f} s")
    yield rollups
    jobs = Table("job", "relation", "last success", "runs", "failures", "last error")
    for job in status.jobs:
        numbers = (str(job.runs), str(job.failures))
        jobs.add_row(job.name, job.relation or "", _iso(job.last_success) or "–", *numbers, job.error or "")
    yield jobs


def _iso(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat(timespec="seconds")
