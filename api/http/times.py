"""Times as they are asked for: RFC 3339 with an offset, or relative to the clock or to the newest reading."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from fastapi import Depends, Query
from sqlalchemy import func, select

from api.deps import DatabaseDep, SettingsDep
from api.http.problems import bad_parameter
from schema.tables import latest_readings
from urbanclear.durations import parse_duration
from urbanclear.errors import ConfigurationError

_RELATIVE: Final = re.compile(r"(now|latest)?(?:([-+])([0-9.]+[dhms]))?")
_HINT: Final = "say 2026-03-02T08:00:00Z (+ is written %2B), -24h, now, latest or latest-24h"
LATEST: Final = select(func.max(latest_readings.c.time))
_WHAT: Final = (
    "RFC 3339 with an offset (write + as %2B), or relative: `-24h`, `-7d`, `now`, `latest` (the newest reading), "
    "`latest-24h`"
)
DEFAULT_SPAN: Final = timedelta(hours=24)


def parse_time(text: str, *, now: datetime, latest: datetime | None = None) -> datetime:
    """The time that `text` says, in UTC; raises `ValueError` with what to say instead.

    `latest` is what the word of that name stands for; without one it is `now`.
    """
    found = _RELATIVE.fullmatch(text)
    if not text or found is None:
        return _absolute(text)
    anchor = (latest or now) if found[1] == "latest" else now
    if found[3] is None:
        return anchor
    try:
        offset = parse_duration(found[3])
    except ConfigurationError as error:
        raise ValueError(str(error).rstrip(".")) from None
    return anchor - offset if found[2] == "-" else anchor + offset


def _absolute(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
        if time.tzinfo is None:
            raise ValueError(f"{text!r} has no time zone: {_HINT}")
        return time.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{text!r} is beyond the calendar: {_HINT}") from None
    except ValueError as error:
        raise ValueError(str(error) if _HINT in str(error) else f"{text!r} is no time: {_HINT}") from None


@dataclass(frozen=True)
class Span:
    """From `start` up to, not including, `end`; both in UTC."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        return self.end - self.start

    def days(self, zone: ZoneInfo) -> tuple[date, date]:
        """The first and the last day of `zone` that the span touches."""
        return self.start.astimezone(zone).date(), (self.end - timedelta(microseconds=1)).astimezone(zone).date()


From = Annotated[
    str | None,
    Query(alias="from", description=f"{_WHAT}; by default a day before `to`", examples=["-24h"], max_length=64),
]
WeekFrom = Annotated[
    str | None,
    Query(alias="from", description=f"{_WHAT}; by default a week before `to`", examples=["-7d"], max_length=64),
]
To = Annotated[str, Query(description=f"{_WHAT}; not included", examples=["now"], max_length=64)]


async def span_of(
    database: DatabaseDep,
    from_: str | None,
    to: str,
    *,
    default: timedelta,
    name: str = "",
    now: datetime | None = None,
) -> Span:
    """The span between two texts; raises the problem of what is wrong with them, named after `name`.

    `now` is given where several spans of one question are relative to the same moment.
    """
    texts = [text for text in (from_, to) if text is not None]
    latest = await database.value(LATEST) if any(text.startswith("latest") for text in texts) else None
    now = now or datetime.now(UTC)
    times = {}
    for parameter, text in ((f"{name}from", from_), (f"{name}to", to)):
        try:
            times[parameter] = None if text is None else parse_time(text, now=now, latest=latest)
        except (ValueError, OverflowError) as error:
            raise bad_parameter(parameter, str(error)) from None
    start, end = times[f"{name}from"], times[f"{name}to"]
    assert end is not None  # noqa: S101
    start = start if start is not None else end - default
    if start >= end:
        raise bad_parameter(f"{name}from", f"{start.isoformat()} is not before {end.isoformat()}")
    return Span(start, end)


def time_at(name: str, text: str | None) -> datetime | None:
    """What a parameter called `name` says, relative to the clock; raises the problem of what is no time."""
    try:
        return None if text is None else parse_time(text, now=datetime.now(UTC))
    except (ValueError, OverflowError) as error:
        raise bad_parameter(name, str(error)) from None


async def _span(database: DatabaseDep, from_: From = None, to: To = "now") -> Span:
    return await span_of(database, from_, to, default=DEFAULT_SPAN)


async def _week(database: DatabaseDep, from_: WeekFrom = None, to: To = "now") -> Span:
    return await span_of(database, from_, to, default=timedelta(days=7))


async def _days(span: Annotated[Span, Depends(_week)], settings: SettingsDep) -> tuple[date, date]:
    return span.days(ZoneInfo(settings.time_zone))


SpanDep = Annotated[Span, Depends(_span)]
WeekDep = Annotated[Span, Depends(_week)]
#: The first and last day, the city's own, of a span that is a week by default.
DaysDep = Annotated[tuple[date, date], Depends(_days)]
