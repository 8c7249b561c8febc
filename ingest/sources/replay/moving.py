"""Moves a recording in time: to now, and on by its own length each time it is repeated."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Final, Literal, TypeVar
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from ingest.sources.replay.pace import Clock
from ingest.sources.replay.survey import Span
from schema.events import Event, Incident
from urbanclear.errors import ConfigurationError

WEEK: Final = timedelta(weeks=1)
STILL: Final = timedelta(0)

Align = Literal["week"]  # what a moved time keeps
EventT = TypeVar("EventT", bound=Event)


class Moving:
    """How a recording is moved. `align`: by whole weeks only, so that rush hours stay where they are in the week.

    Raises `ConfigurationError` where it would run ahead of the clock at `speed`.
    """

    def __init__(self, *, loop: bool, to_now: bool, align: Align | None, speed: float | None, clock: Clock) -> None:
        if align and not (loop or to_now):
            raise ConfigurationError("A replay that is not moved has nothing to align: add --shift-to-now or --loop.")
        if to_now and not align and (speed is None or speed > 1):
            raise ConfigurationError(
                "Moved to now and faster than it happened, a replay would run into the future: leave the speed out, "
                "or add --align week, which begins up to a week ago and catches up."
            )
        self._loop = loop
        self._to_now = to_now
        self._align = align
        self._clock = clock

    @property
    def not_before(self) -> Clock | None:
        """The time of day, which moved times must not run ahead of."""
        return self._clock if self._loop or self._to_now else None

    def offsets(self, span: Span, interval: timedelta, zone: ZoneInfo) -> Iterator[timedelta]:
        """By how much each round is moved; `zone` is where its weeks are counted."""
        first = self._first_offset(span.first, zone)
        length = span.last - span.first + interval
        if self._align:
            length = -(-length // WEEK) * WEEK
        for number in count() if self._loop else range(1):
            yield first + number * length

    def _first_offset(self, first: datetime, zone: ZoneInfo) -> timedelta:
        if not self._to_now:
            return STILL
        now = self._clock().replace(microsecond=0)
        return _whole_weeks(first, now, zone) if self._align else now - first


def moved(event: EventT, offset: timedelta) -> EventT:
    """The event that much later."""
    if not offset or event.time_field is None or event.occurred_at is None:
        return event
    later = {event.time_field: event.occurred_at + offset}
    if isinstance(event, Incident):
        later["started_at"] = event.started_at + offset
    return replace(event, **later)


def _whole_weeks(first: datetime, now: datetime, zone: ZoneInfo) -> timedelta:
    """To the last moment before `now` at which the zone's clocks and calendar say the weekday and time of `first`."""
    local = first.astimezone(zone).replace(tzinfo=None)
    weeks = (now.astimezone(zone).replace(tzinfo=None) - local) // WEEK
    earlier, later = (
        (local + number * WEEK).replace(tzinfo=zone).astimezone(UTC) - first for number in (weeks - 1, weeks)
    )
    return later if first + later <= now else earlier
