"""When the night's jobs are due, by the city's own clock."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


def next_run(now: datetime, at: time, time_zone: str) -> datetime:
    """The first time after `now` at which the clocks of `time_zone` show `at`, in UTC: once each day.

    Where clocks show it twice that day, as summer time ends, it is the first. Where they skip it, it is as long after
    midnight as on other days.
    """
    zone = ZoneInfo(time_zone)
    today = now.astimezone(zone).date()
    days = (today + timedelta(days=ahead) for ahead in range(3))
    times = (datetime.combine(day, at, zone).astimezone(UTC) for day in days)
    return next(moment for moment in times if moment > now)
