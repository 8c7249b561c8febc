"""Whole days of the city: which a span of time covers, which came before, and which a week has."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from typing import Final
from zoneinfo import ZoneInfo

from schema.rollups import FIVE_MINUTES
from urbanclear.errors import ConfigurationError

WEEK: Final = 7
_WEEK: Final = re.compile(r"([0-9]{4})-W([0-9]{2})")


@dataclass(frozen=True)
class Days:
    """From `first` to `last`, both included."""

    first: date
    last: date

    @classmethod
    def of_span(cls, start: datetime, end: datetime, time_zone: str) -> "Days":
        """The city's days that the time from `start` until just before `end` touches."""
        zone = ZoneInfo(time_zone)
        last = end - timedelta(microseconds=1)
        return cls(start.astimezone(zone).date(), last.astimezone(zone).date())

    @classmethod
    def of_week(cls, week: str) -> "Days":
        """Monday to Sunday of a week as ISO 8601 writes it, such as 2026-W10."""
        found = _WEEK.fullmatch(week)
        try:
            if found is None:
                raise ValueError(week)
            monday = date.fromisocalendar(int(found[1]), int(found[2]), 1)
        except ValueError:
            raise ConfigurationError(f"{week!r} is no week: write it as in 2026-W10.") from None
        return cls(monday, monday + timedelta(days=WEEK - 1))

    @classmethod
    def newest_whole(cls, newest: datetime, time_zone: str, count: int = WEEK) -> "Days":
        """The last `count` days that are over at `newest`; a day is over once its last 5 minutes have a reading."""
        today = (newest + FIVE_MINUTES).astimezone(ZoneInfo(time_zone)).date()
        return cls(today - timedelta(days=count), today - timedelta(days=1))

    @classmethod
    def ended_in(cls, start: datetime, end: datetime, time_zone: str) -> "Days | None":
        """Those that were over at `end` and not yet at `start`; None where there is none."""
        first, last = (cls.newest_whole(time, time_zone).last for time in (start, end - timedelta(microseconds=1)))
        return cls(first + timedelta(days=1), last) if first < last else None

    @property
    def before(self) -> "Days":
        """As many days, just before."""
        return Days(self.first - timedelta(days=len(self)), self.first - timedelta(days=1))

    def bounds(self, time_zone: str) -> tuple[datetime, datetime]:
        """From the first day's beginning until the last one's end, UTC."""
        zone = ZoneInfo(time_zone)
        start, end = (datetime.combine(day, clock.min, zone) for day in (self.first, self.last + timedelta(days=1)))
        return start.astimezone(UTC), end.astimezone(UTC)

    def __str__(self) -> str:
        return f"{self.first} to {self.last}"

    def __len__(self) -> int:
        return (self.last - self.first).days + 1

    def __iter__(self) -> Iterator[date]:
        return (self.first + timedelta(days=number) for number in range(len(self)))

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and self.first <= day <= self.last
