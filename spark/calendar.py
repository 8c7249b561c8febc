"""The city's calendar: for each 5 minutes of a span its local day, quarter of an hour and kind of day.

Computed once for a span and joined to readings, so that daylight saving and public holidays cost nothing a row.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo

from schema.rollups import FIVE_MINUTES
from spark.spans import Span
from urbanclear.public_holidays import DayType, day_type, public_holidays

QUARTER: Final = 15  # minutes
QUARTERS: Final = range(0, 24 * 60, QUARTER)
HOURS_OF_WEEK: Final = 7 * 24
STEP_S: Final = int(FIVE_MINUTES.total_seconds())


@dataclass(frozen=True)
class Moment:
    """Five minutes of the city's day; `epoch` is their start in seconds, `weekday` is 0 on Mondays."""

    epoch: int
    day: date
    minute: int
    day_type: DayType
    weekday: int


@dataclass(frozen=True)
class Calendar:
    """Days of `time_zone`, with the public holidays of `region`: a country, or one with its part as in US-NY."""

    time_zone: str
    region: str

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @cached_property
    def _kinds(self) -> dict[date, DayType]:
        return {}

    def day_type(self, day: date) -> DayType:
        """What kind of day it is; raises as `public_holidays` does."""
        return day_type(day, public_holidays(self.region))

    def moment(self, epoch: int) -> Moment:
        """The one that begins at `epoch`."""
        local = datetime.fromtimestamp(epoch, UTC).astimezone(self._zone)
        day = local.date()
        kind = self._kinds.get(day) or self._kinds.setdefault(day, self.day_type(day))
        minute = (local.hour * 60 + local.minute) // QUARTER * QUARTER
        return Moment(epoch, day, minute, kind, day.weekday())

    def moments(self, span: Span) -> Iterator[Moment]:
        """All that begin in the span, and the one in which it begins."""
        first = int(span.start.timestamp()) // STEP_S * STEP_S
        return map(self.moment, range(first, math.ceil(span.end.timestamp()), STEP_S))
