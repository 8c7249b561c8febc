"""The table `calendar`: what kind of day each day is by the city's public holidays, for those who ask in SQL."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

from psycopg import AsyncConnection

from urbanclear.public_holidays import day_type, public_holidays
from urbanclear.settings import Settings

_WRITE = """
    INSERT INTO calendar AS known (day, day_type, holiday)
    SELECT * FROM unnest(%(days)s::date[], %(day_types)s::text[], %(holidays)s::text[])
    ON CONFLICT (day) DO UPDATE SET day_type = excluded.day_type, holiday = excluded.holiday
    WHERE (known.day_type, known.holiday) IS DISTINCT FROM (excluded.day_type, excluded.holiday)
"""


async def write_calendar(connection: AsyncConnection, settings: Settings) -> int:
    """Have it say what the settings do, from the oldest day accepted to the end of the next year.

    Returns how many days changed.
    """
    days = await asyncio.to_thread(_days, settings)
    return (await connection.execute(_WRITE, days)).rowcount


def _days(settings: Settings) -> dict[str, list[Any]]:
    """The columns of the table, by parameter."""
    public = public_holidays(settings.holidays)
    first, end = date(settings.oldest_time.year, 1, 1), date(datetime.now(UTC).year + 2, 1, 1)
    days = [first + timedelta(days=number) for number in range((end - first).days)]
    day_types, holidays = [day_type(day, public) for day in days], [public.get(day) for day in days]
    return {"days": days, "day_types": day_types, "holidays": holidays}
