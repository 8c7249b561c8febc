"""A rule's past as numbers: the moments at which it is evaluated, and what was seen of each subject at them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from alerting.conditions.places import Floats
from alerting.conditions.subjects import Subject

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Grid:
    """`length` buckets of `width` from `first`; what they say is seen `lag` after each begins."""

    first: datetime
    width: timedelta
    length: int
    lag: timedelta

    @classmethod
    def over(cls, start: datetime, until: datetime, width: timedelta, lag: timedelta) -> "Grid":
        """The buckets that begin from `start` until before `until`."""
        first = _EPOCH - (_EPOCH - start) // width * width
        return cls(first, width, max(0, -((first - until) // width)), lag)

    @property
    def end(self) -> datetime:
        """The end of the last bucket."""
        return self.first + self.width * self.length

    def time(self, row: int) -> datetime:
        """When the bucket is seen."""
        return self.first + self.width * row + self.lag

    def row_from(self, moment: datetime) -> int:
        """The first row that is seen at `moment` or later; the length where there is none."""
        row = -((self.first + self.lag - moment) // self.width)
        return min(max(row, 0), self.length)


@dataclass(frozen=True)
class Track:
    """What was seen of a subject from row `offset` on; NaN is no data, and before and after it is not there."""

    subject: Subject
    offset: int
    values: Floats
