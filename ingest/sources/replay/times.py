"""Turns the stamps of a file into UTC, also across the end of daylight saving, when an hour comes twice.

Which of the two an ambiguous stamp means is told by order, sensor by sensor: once a sensor's stamps go back inside
that hour, its second pass has begun. A sensor that never goes back there is taken to report in the first, and so is
all of that hour in a file that was sorted by local time: the evidence is gone.
"""

from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from urbanclear.errors import InvalidEvent


class Twice(NamedTuple):
    """A local time that comes twice."""

    local: datetime
    earlier: datetime
    later: datetime


class _Place(NamedTuple):
    """Where a sensor stands in the hour that comes twice."""

    local: datetime
    second_pass: bool


class Times:
    """Reads stamps of one file, in the file's order; `newest_first` says that this order runs backwards."""

    def __init__(self, zone: str | None, patterns: tuple[str, ...] = (), *, newest_first: bool = False) -> None:
        self._zone = ZoneInfo(zone) if zone else None
        self._patterns = patterns
        self._newest_first = newest_first
        self._places: dict[str, _Place] = {}

    def moment(self, stamp: str) -> datetime | Twice:
        """The UTC time or times of a stamp; raises `InvalidEvent` when it is none."""
        return self.resolve(self.local(stamp))

    def resolve(self, local: datetime) -> datetime | Twice:
        """The UTC time or times of a stamp; raises `InvalidEvent` when there is none."""
        try:
            return self._in_utc(local)
        except OverflowError:
            raise InvalidEvent("bad_time", f"{local.isoformat()} is no time in UTC") from None

    def _in_utc(self, local: datetime) -> datetime | Twice:
        if local.tzinfo is not None:
            return local.astimezone(UTC)
        if self._zone is None:
            raise InvalidEvent("naive_time", f"{local.isoformat()} has no offset from UTC")
        earlier, later = (local.replace(tzinfo=self._zone, fold=fold) for fold in (0, 1))
        offset, offset_later = earlier.utcoffset(), later.utcoffset()
        if offset == offset_later:
            return earlier.astimezone(UTC)
        if offset < offset_later:  # type: ignore[operator]
            raise InvalidEvent("nonexistent_time", f"{local.isoformat()} is skipped by the clocks of {self._zone}")
        return Twice(local, earlier.astimezone(UTC), later.astimezone(UTC))

    def local(self, text: str) -> datetime:
        """The stamp as it is written; raises `InvalidEvent` when it is none."""
        stamp = text.strip()
        try:
            return datetime.fromisoformat(stamp)
        except ValueError:
            pass
        for pattern in self._patterns:
            try:
                return datetime.strptime(stamp, pattern)
            except ValueError:
                continue
        raise InvalidEvent("bad_time", f"{text[:40]!r} is no time")

    def tell_apart(self, sensor: str, moment: Twice) -> datetime:
        """Which of the two a sensor's stamp means. To be asked once for each, in the file's order."""
        last = self._places.get(sensor)
        if last is None or last.local.date() != moment.local.date():
            second = self._newest_first
        elif self._newest_first:
            second = last.second_pass and moment.local <= last.local
        else:
            second = last.second_pass or moment.local < last.local
        self._places[sensor] = _Place(moment.local, second)
        return moment.later if second else moment.earlier
