"""How each batch job last went, by the runs that it noted in `spark_runs`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg import AsyncConnection
from psycopg.rows import class_row

#: A run holds a lock of its own for as long as it is there: one that says `running` without it was killed.
LOCK: Final = "SELECT pg_advisory_lock(hashtext('spark_runs'), hashtext(%s))"
WAS_KILLED: Final = "status = 'running' AND pg_try_advisory_xact_lock(hashtext('spark_runs'), hashtext(id))"

_JOBS: Final = """
    SELECT job, max(ended_at) FILTER (WHERE status = 'succeeded') AS last_success,
           (array_agg(status ORDER BY started_at DESC) FILTER (WHERE status <> 'running'))[1] = 'failed' AS failing
    FROM spark_runs GROUP BY job ORDER BY job
"""


@dataclass(frozen=True)
class BatchJob:
    """`last_success` is None where it never succeeded, `failing` where it never ended."""

    job: str
    last_success: datetime | None
    failing: bool | None


async def batch_jobs(connection: AsyncConnection) -> list[BatchJob]:
    """All that ever began."""
    async with connection.cursor(row_factory=class_row(BatchJob)) as cursor:
        await cursor.execute(_JOBS)
        return await cursor.fetchall()
