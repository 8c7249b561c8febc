"""How well forecasts came true, kept by the hour: of each sensor as long as readings are, of the city for ever.

An hour is scored once its predictions come due, and anew when they or its readings change: late readings count. Sums
and counts are kept, so that errors stay exact over any span.
"""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from psycopg import AsyncConnection
from psycopg.rows import class_row

from schema.measures.statements import search, statement
from schema.retention import Retention
from urbanclear.public_holidays import holidays_between
from urbanclear.settings import Settings

AGAIN_AFTER: Final = timedelta(minutes=5)
"""An hour that keeps changing, as this one does, is scored that often."""

_TABLES: Final = ("forecast_scores", "forecast_totals")
_SCORED: Final = """
    UPDATE measures.forecast_hours SET changed = false, scored_at = now(), readings = %(readings)s, good = %(good)s
    WHERE hour = %(hour)s
"""


_LAST_DAY: Final = """
    SELECT model, horizon_minutes, sum(abs_error) / sum(predictions)::float8 AS mae_kmh,
           sum(persistence_error) / nullif(sum(persistence), 0)::float8 AS persistence_mae_kmh,
           sum(inside)::float8 / nullif(sum(intervals), 0)::float8 AS coverage
    FROM measures.forecast_totals WHERE hour >= now() - interval '1 day' GROUP BY model, horizon_minutes
"""


@dataclass(frozen=True)
class Skill:
    """How well a model's forecasts came true at a horizon."""

    model: str
    horizon_minutes: int
    mae_kmh: float
    persistence_mae_kmh: float | None
    coverage: float | None


@dataclass(frozen=True)
class Due:
    """An hour that is to be scored, with how many readings and good ones it is scored from."""

    hour: datetime
    readings: int
    good: int


async def score_forecasts(connection: AsyncConnection, settings: Settings) -> list[datetime]:
    """Score the hours whose predictions or readings are not those they were scored from; returns them."""
    retention = Retention.of(settings)
    oldest = retention.oldest_prediction()
    await connection.execute("DELETE FROM measures.forecast_scores WHERE hour < %s", [retention.oldest_reading()])
    await connection.execute("DELETE FROM measures.forecast_hours WHERE hour < %s", [oldest])
    await connection.execute(statement("forecast_changes"))
    asked = {"oldest": oldest, "again_after": AGAIN_AFTER}
    found = await search(connection, "forecast_due", asked, class_row(Due))
    for due in found:
        await _score(connection, due, settings)
    return [due.hour.astimezone(UTC) for due in found]


async def skill_of_last_day(connection: AsyncConnection) -> list[Skill]:
    """By model and horizon, over the hours that began in the last 24."""
    async with connection.cursor(row_factory=class_row(Skill)) as cursor:
        await cursor.execute(_LAST_DAY)
        return await cursor.fetchall()


async def _score(connection: AsyncConnection, due: Due, settings: Settings) -> None:
    """What is written meanwhile is noted as another change: the hour is told to be scored before it is looked at."""
    local = due.hour.astimezone(ZoneInfo(settings.time_zone)).date()
    holidays = holidays_between(settings.holidays, local, local + timedelta(days=1))
    values: dict[str, Any] = {**asdict(due), "time_zone": settings.time_zone, "holidays": holidays}
    async with connection.transaction():
        await connection.execute(_SCORED, values)
        for table in _TABLES:
            await connection.execute(f"DELETE FROM measures.{table} WHERE hour = %(hour)s".encode(), values)
            await connection.execute(statement(table), values)
