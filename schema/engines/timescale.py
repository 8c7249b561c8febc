"""TimescaleDB: the server's own jobs refresh, compress and retire; they are set from the settings here."""

import asyncio
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from psycopg import AsyncConnection
from psycopg.errors import LockNotAvailable
from psycopg.rows import class_row
from sqlalchemy import Connection, RowMapping, text

from schema.ddl import ColumnstorePolicy, Policy, RefreshPolicy, RemovePolicy, RetentionPolicy
from schema.dialect import TIMESCALE
from schema.engines.base import JobStatus, RollupStatus, SeriesStatus
from schema.policies import COMPRESS_READINGS_AFTER, wanted
from schema.retention import Retention
from schema.rollups import ROLLUPS
from urbanclear.errors import StartError
from urbanclear.logs import get_logger

log = get_logger("schema")

#: The oldest extension that has all that is used, and the newest that the tests have been run on.
OLDEST_EXTENSION, NEWEST_TESTED = (2, 23), (2, 29)

REFRESH_ATTEMPTS: Final = 240
REFRESH_RETRY_SECONDS: Final = 0.5

_VERSIONS = text(
    """
    SELECT default_version AS available, installed_version AS installed
    FROM pg_available_extensions WHERE name = 'timescaledb'
    """
)
_POLICIES = text(
    """
    SELECT proc_name AS procedure,
           CASE hypertable_schema WHEN 'public' THEN '' ELSE hypertable_schema || '.' END || hypertable_name
               AS relation,
           coalesce(config ->> 'compress_after', config ->> 'drop_after', config ->> 'start_offset')::interval
               AS "start",
           (config ->> 'end_offset')::interval AS "end",
           schedule_interval AS every
    FROM timescaledb_information.jobs
    WHERE proc_name IN ('policy_compression', 'policy_retention', 'policy_refresh_continuous_aggregate')
    """
)
_SERIES = """
    SELECT relation, (SELECT count(*)::int FROM show_chunks(hypertable)) AS chunks,
           coalesce(number_compressed_chunks, 0)::int AS compressed_chunks, hypertable_size(hypertable) AS bytes,
           before_compression_total_bytes AS bytes_before, after_compression_total_bytes AS bytes_after
    FROM (
        SELECT 1 AS rank, hypertable_name AS relation, hypertable_schema AS schema, hypertable_name AS name
        FROM timescaledb_information.hypertables
        UNION ALL
        SELECT 2, view_name, materialization_hypertable_schema, materialization_hypertable_name
        FROM timescaledb_information.continuous_aggregates
    ) AS known
    CROSS JOIN LATERAL (SELECT format('%I.%I', schema, name)::regclass AS hypertable) AS place
    LEFT JOIN LATERAL hypertable_columnstore_stats(hypertable) ON true
    ORDER BY rank, relation
"""
_ROLLUPS = """
    SELECT view_name AS relation,
           CASE WHEN watermark > 0 THEN _timescaledb_functions.to_timestamp(watermark) END AS refreshed_to
    FROM timescaledb_information.continuous_aggregates
    JOIN _timescaledb_catalog.hypertable AS h
        ON (h.schema_name, h.table_name) = (materialization_hypertable_schema, materialization_hypertable_name)
    CROSS JOIN _timescaledb_functions.cagg_watermark(h.id) AS watermark
    WHERE view_schema = 'rollup'
"""
_CATCH_UP = "CALL refresh_continuous_aggregate(%(rollup)s, %(start)s, %(end)s)"
_COMPRESS = "SELECT compress_chunk(chunk, true) FROM show_chunks('readings', older_than => %s) AS chunk"
_RECOMPUTE = """
    CALL refresh_continuous_aggregate(
        %(rollup)s, date_bin(%(width)s, %(start)s, timestamptz 'epoch'),
        date_bin(%(width)s, %(end)s, timestamptz 'epoch') + %(width)s, force => true)
"""
_JOBS = """
    SELECT j.proc_name AS name, j.hypertable_name AS relation,
           nullif(s.last_successful_finish, '-infinity') AS last_success,
           coalesce(s.total_runs, 0)::int AS runs, coalesce(s.total_failures, 0)::int AS failures,
           CASE s.last_run_status WHEN 'Failed' THEN coalesce(e.err_message, 'failed') END AS error
    FROM timescaledb_information.jobs AS j
    LEFT JOIN timescaledb_information.job_stats AS s USING (job_id)
    LEFT JOIN LATERAL (
        SELECT err_message FROM timescaledb_information.job_errors AS e
        WHERE e.job_id = j.job_id ORDER BY finish_time DESC LIMIT 1
    ) AS e ON true
    WHERE j.hypertable_name IS NOT NULL
    ORDER BY j.job_id
"""


class Timescale:
    """Hypertables, continuous aggregates and the jobs that look after them."""

    name = TIMESCALE

    def prepare(self, connection: Connection) -> None:
        versions = connection.execute(_VERSIONS).one()
        check_version(versions.available, versions.installed)
        connection.execute(text("CREATE EXTENSION IF NOT EXISTS timescaledb"))

    def apply_policies(self, connection: Connection, retention: Retention) -> None:
        found, keep = _policies(connection), set(wanted(retention))
        for policy in found - keep:
            connection.execute(RemovePolicy(policy))
        for policy in sorted(keep - found, key=lambda policy: policy.relation):
            connection.execute(policy)

    def drift(self, connection: Connection, retention: Retention) -> list[str]:
        found, keep = _policies(connection), set(wanted(retention))
        return [
            *(f"{type(policy).__name__} of {policy.relation} is missing or differs" for policy in keep - found),
            *(f"{type(policy).__name__} of {policy.relation} is not wanted" for policy in found - keep),
        ]

    def partitions(self, table: str, times: Iterable[datetime]) -> dict[str, str]:
        return {}

    async def refresh(self, connection: AsyncConnection, retention: Retention) -> int:
        return 0

    async def catch_up(self, connection: AsyncConnection, retention: Retention) -> None:
        for rollup in ROLLUPS:
            span = {"start": retention.oldest_reading(), "end": datetime.now(UTC) - rollup.width}
            await _refresh(connection, _CATCH_UP, {**span, "rollup": f"rollup.{rollup.name}"})

    async def compress(self, connection: AsyncConnection) -> None:
        await connection.execute(_COMPRESS, [COMPRESS_READINGS_AFTER])

    async def pause_jobs(self, connection: AsyncConnection) -> None:
        await connection.execute("SELECT _timescaledb_functions.stop_background_workers()")

    async def recompute(
        self, connection: AsyncConnection, start: datetime, end: datetime, retention: Retention
    ) -> None:
        span = {"start": max(start, retention.oldest_reading()), "end": end}
        for rollup in ROLLUPS:
            await _refresh(connection, _RECOMPUTE, {**span, "rollup": f"rollup.{rollup.name}", "width": rollup.width})

    async def retire(self, connection: AsyncConnection, retention: Retention) -> list[str]:
        return []

    async def series(self, connection: AsyncConnection) -> list[SeriesStatus]:
        cursor = connection.cursor(row_factory=class_row(SeriesStatus))
        await cursor.execute(_SERIES)
        return await cursor.fetchall()

    async def rollups(self, connection: AsyncConnection) -> list[RollupStatus]:
        cursor = connection.cursor(row_factory=class_row(RollupStatus))
        await cursor.execute(_ROLLUPS)
        order = [rollup.name for rollup in ROLLUPS]
        return sorted(await cursor.fetchall(), key=lambda status: order.index(status.relation))

    async def jobs(self, connection: AsyncConnection) -> list[JobStatus]:
        cursor = connection.cursor(row_factory=class_row(JobStatus))
        await cursor.execute(_JOBS)
        return await cursor.fetchall()


async def _refresh(connection: AsyncConnection, call: str, parameters: dict[str, Any]) -> None:
    """Call it when no job of the server's is at the same stretch; raises `LockNotAvailable` when one always is."""
    for _ in range(REFRESH_ATTEMPTS):
        try:
            await connection.execute(call.encode(), parameters)
        except LockNotAvailable:
            await asyncio.sleep(REFRESH_RETRY_SECONDS)
        else:
            return
    await connection.execute(call.encode(), parameters)


def _policies(connection: Connection) -> set[Policy]:
    return {_policy(row) for row in connection.execute(_POLICIES).mappings()}


def _policy(row: RowMapping) -> Policy:
    match row["procedure"]:
        case "policy_compression":
            return ColumnstorePolicy(row["relation"], row["start"])
        case "policy_retention":
            return RetentionPolicy(row["relation"], row["start"])
        case _:
            return RefreshPolicy(row["relation"], row["start"], row["end"], row["every"])


def check_version(available: str, installed: str | None) -> None:
    """Raise `StartError` for an extension too old, or one whose update in this database was forgotten."""
    if _release(available) < OLDEST_EXTENSION:
        oldest = ".".join(map(str, OLDEST_EXTENSION))
        raise StartError(f"The server has TimescaleDB {available}; Urbanclear needs {oldest} or newer.")
    if installed not in (None, available):
        raise StartError(
            f"The database uses TimescaleDB {installed}, the server has {available}: run `ALTER EXTENSION "
            f"timescaledb UPDATE` in it, in a session of its own, then upgrade again."
        )
    if _release(available) > NEWEST_TESTED:
        tested = ".".join(map(str, NEWEST_TESTED))
        log.warning("schema.extension_untested", version=available, newest_tested=tested)


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])
