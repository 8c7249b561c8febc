"""Plain PostgreSQL: native range partitions made ahead of need, rollups refreshed from a list of touched buckets.

Triggers append to `rollup.changes` each bucket that a write touches (`schema.ddl.TrackChanges`). A refresh recomputes
those buckets at every level and removes them from the list, in one snapshot: what is written meanwhile stays listed.
The views `rollup.*` leave out the kept row of a listed bucket and compute it from its source instead.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from psycopg import AsyncConnection, IsolationLevel, sql
from psycopg.rows import class_row, scalar_row
from sqlalchemy import Connection, text

from schema.ddl import TRIGGERS, bucket, changed, recomputed, source
from schema.dialect import PLAIN
from schema.engines.base import JobStatus, RollupStatus, SeriesStatus
from schema.retention import Retention
from schema.rollups import FIVE_MINUTES, ROLLUPS, Rollup
from schema.tables import ROLLUP_CHUNK, TIME_SERIES

_EPOCH = datetime(1970, 1, 5, tzinfo=UTC)  # a Monday, so that weekly partitions are ISO weeks

_KEPT = {f"rollup.{rollup.name}_kept": rollup.name for rollup in ROLLUPS if rollup.is_finest}
_WIDTHS = {**TIME_SERIES, **dict.fromkeys(_KEPT, ROLLUP_CHUNK)}
_REFRESHING = 0x75726263_66726573  # an arbitrary key of our own: one refresh at a time, `reprocess` beside the upkeep
_TRIGGERS = "SELECT tgname FROM pg_trigger WHERE tgrelid = 'readings'::regclass AND tgenabled <> 'D'"
_EXPIRED = """
    SELECT inhrelid::regclass::text FROM pg_inherits, pg_class
    WHERE inhparent = %s::regclass AND pg_class.oid = inhrelid
      AND substring(pg_get_expr(relpartbound, inhrelid) FROM $$TO \\('([^']+)'\\)$$)::timestamptz <= %s
    ORDER BY 1
"""
_SERIES = """
    SELECT %(relation)s AS relation, count(*)::int AS chunks, 0 AS compressed_chunks,
           coalesce(sum(pg_total_relation_size(inhrelid)), 0)::bigint AS bytes,
           NULL::bigint AS bytes_before, NULL::bigint AS bytes_after
    FROM pg_inherits WHERE inhparent = %(table)s::regclass
"""
_TOUCHED_STRETCHES = "SELECT DISTINCT date_bin(%s, time, %s) FROM rollup.changes"
_CHANGES_OF_SPAN = f"""
    INSERT INTO rollup.changes
    SELECT sensor_id, {bucket(FIVE_MINUTES, "time")} FROM readings
    WHERE time >= %(start)s AND time < %(end)s
    UNION
    SELECT sensor_id, time FROM rollup.readings_5m_kept WHERE time >= %(start)s AND time < %(end)s
"""


class PlainPostgres:
    """Range partitions named `<table>_<first day>`."""

    name = PLAIN

    def prepare(self, connection: Connection) -> None:
        pass

    def apply_policies(self, connection: Connection, retention: Retention) -> None:
        pass

    def drift(self, connection: Connection, retention: Retention) -> list[str]:
        found = set(connection.scalars(text(_TRIGGERS)))
        return [f"trigger {name} on readings is missing or off" for name in TRIGGERS if name not in found]

    def partitions(self, table: str, times: Iterable[datetime]) -> dict[str, str]:
        width = _WIDTHS[table]
        starts = {_EPOCH + (time - _EPOCH) // width * width for time in times}
        return dict(_partition(table, start, start + width) for start in sorted(starts))

    async def refresh(self, connection: AsyncConnection, retention: Retention) -> int:
        await connection.execute("SELECT pg_advisory_lock(%s)", [_REFRESHING])
        try:
            await connection.execute("DELETE FROM rollup.changes WHERE time < %s", [retention.oldest_reading()])
            for table in _KEPT:  # one by one: who holds the locks of two may meet a reader that holds them crosswise
                await self._make_partitions(connection, table)
            await connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
            async with connection.transaction():
                for rollup in ROLLUPS:
                    await connection.execute(_refresh(rollup).encode())
                return (await connection.execute("DELETE FROM rollup.changes")).rowcount
        finally:
            await connection.set_isolation_level(None)
            await connection.execute("SELECT pg_advisory_unlock(%s)", [_REFRESHING])

    async def catch_up(self, connection: AsyncConnection, retention: Retention) -> None:
        await self.refresh(connection, retention)

    async def compress(self, connection: AsyncConnection) -> None:
        pass

    async def pause_jobs(self, connection: AsyncConnection) -> None:
        pass

    async def recompute(
        self, connection: AsyncConnection, start: datetime, end: datetime, retention: Retention
    ) -> None:
        await connection.execute(
            _CHANGES_OF_SPAN.encode(), {"start": max(start, retention.oldest_reading()), "end": end}
        )
        await self.refresh(connection, retention)

    async def retire(self, connection: AsyncConnection, retention: Retention) -> list[str]:
        dropped = []
        for table in _WIDTHS:
            keep = retention.of_relation(_KEPT.get(table, table))
            if keep is None:
                continue
            cursor = connection.cursor(row_factory=scalar_row)
            await cursor.execute(_EXPIRED, [table, datetime.now(UTC) - keep])
            for partition in await cursor.fetchall():
                await connection.execute(f"DROP TABLE {partition}".encode())
                dropped.append(partition)
        return dropped

    async def _make_partitions(self, connection: AsyncConnection, table: str) -> None:
        cursor = connection.cursor(row_factory=scalar_row)
        await cursor.execute(_TOUCHED_STRETCHES, [_WIDTHS[table], _EPOCH])
        for ddl in self.partitions(table, await cursor.fetchall()).values():
            await connection.execute(ddl.encode())

    async def series(self, connection: AsyncConnection) -> list[SeriesStatus]:
        cursor = connection.cursor(row_factory=class_row(SeriesStatus))
        found = []
        for table in _WIDTHS:
            await cursor.execute(_SERIES, {"relation": _KEPT.get(table, table), "table": table})
            found += await cursor.fetchall()
        return found

    async def rollups(self, connection: AsyncConnection) -> list[RollupStatus]:
        cursor = connection.cursor(row_factory=scalar_row)
        found = []
        for rollup in ROLLUPS:
            newest = f"SELECT max(time) + %s FROM rollup.{rollup.name}_kept"
            await cursor.execute(newest.encode(), [rollup.width])
            found.append(RollupStatus(rollup.name, await cursor.fetchone()))
        return found

    async def jobs(self, connection: AsyncConnection) -> list[JobStatus]:
        return []


def _refresh(rollup: Rollup) -> str:
    """The statements that bring the kept rows of the touched buckets up to date."""
    kept = f"rollup.{rollup.name}_kept"
    return f"""
        DELETE FROM {kept} AS kept USING ({changed(rollup)}) AS changed
        WHERE changed.{rollup.key} = kept.{rollup.key} AND changed.time = kept.time;
        INSERT INTO {kept} {recomputed(rollup, source(rollup, suffix="_kept"))};
    """


def _partition(table: str, start: datetime, end: datetime) -> tuple[str, str]:
    name = f"{table}_{start:%Y%m%d}"
    create = sql.SQL("CREATE TABLE IF NOT EXISTS {} PARTITION OF {} FOR VALUES FROM ({}) TO ({})").format(
        sql.Identifier(*name.split(".")),
        sql.Identifier(*table.split(".")),
        sql.Literal(start.isoformat()),
        sql.Literal(end.isoformat()),
    )
    return name, create.as_string()
