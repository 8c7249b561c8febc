"""Analysts' measures by day: reliability, delay, bottlenecks and what incidents cost, computed from the rollups.

Each `.sql` file here is one measure, with its formula and source. Days are the city's own (`URBANCLEAR_TIME_ZONE`). A
day is computed anew while its readings change; `reprocess` does so for the past, under the definitions in force now.
Every row names the definition it was computed by.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from typing import Any, Final
from zoneinfo import ZoneInfo

from psycopg import AsyncConnection
from psycopg.rows import scalar_row

from schema.measures.statements import search, statement
from schema.retention import Retention
from urbanclear.settings import Settings

ALGORITHM_VERSION: Final = 1
"""To be raised with every change of a formula; the rows of earlier versions stay until they are reprocessed."""

RECOMPUTE_AFTER: Final = timedelta(minutes=15)
BY_DAY: Final = ("reliability", "delay", "bottlenecks", "incident_impact")

_FORGET = {
    "bottlenecks": "day = %(day)s OR started_at >= %(start)s AND started_at < %(end)s",
    "incident_impact": "day = %(day)s OR incident_id IN "
    "(SELECT id FROM incidents WHERE started_at >= %(start)s AND started_at < %(end)s)",
}
_NEWEST_HOUR = "SELECT max(time) + interval '1 hour' FROM area_1h"


@dataclass(frozen=True)
class Definition:
    """What an agency may choose about its measures, and the version of the code that computes them."""

    time_zone: str
    planning_percentile: float
    delay_speed_ratio: float
    bottleneck_speed_kmh: float
    bottleneck_drop_kmh: float
    algorithm_version: int = ALGORITHM_VERSION

    @classmethod
    def of(cls, settings: Settings) -> "Definition":
        return cls(
            settings.time_zone,
            settings.planning_percentile,
            settings.delay_speed_ratio,
            settings.bottleneck_speed_kmh,
            settings.bottleneck_drop_kmh,
        )

    def __str__(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in asdict(self).items())

    def span(self, day: date) -> tuple[datetime, datetime]:
        """The day's beginning and end."""
        zone = ZoneInfo(self.time_zone)
        start, end = (datetime.combine(d, clock.min, zone) for d in (day, day + timedelta(days=1)))
        return start.astimezone(UTC), end.astimezone(UTC)


async def compute_changed_days(connection: AsyncConnection, settings: Settings) -> list[date]:
    """Compute the days whose readings or incidents are not those they were computed from; returns them.

    A day that keeps changing, as today does, is computed once in `RECOMPUTE_AFTER`.
    """
    definition, oldest = Definition.of(settings), Retention.of(settings).oldest_reading()
    local_day = oldest.astimezone(ZoneInfo(definition.time_zone)).date()
    asked = {
        "time_zone": definition.time_zone,
        "oldest": definition.span(local_day)[1],
        "recompute_after": RECOMPUTE_AFTER,
    }
    days: list[date] = await search(connection, "changed_days", asked, scalar_row)
    await compute_days(connection, days, definition)
    return days


async def compute_days(
    connection: AsyncConnection,
    days: list[date],
    definition: Definition,
    done: Callable[[date], None] = lambda day: None,
) -> None:
    """Replace the measures of `days`, each day in a transaction of its own; `done` is called after each."""
    if not days:
        return
    newest = await (await connection.execute(_NEWEST_HOUR)).fetchone()
    await connection.execute(statement("links"), {"newest": newest[0] if newest else None})
    define = await connection.execute(statement("define"), asdict(definition))
    row = await define.fetchone()
    assert row is not None  # noqa: S101
    for day in days:
        start, end = definition.span(day)
        values: dict[str, Any] = {
            "day": day,
            "start": start,
            "end": end,
            "definition_id": row[0],
            **asdict(definition),
        }
        async with connection.transaction():
            for measure in BY_DAY:
                old = _FORGET.get(measure, "day = %(day)s")
                await connection.execute(f"DELETE FROM measures.{measure} WHERE {old}".encode(), values)
                await connection.execute(statement(measure), values)
            await connection.execute(statement("note_day"), values)
        done(day)
