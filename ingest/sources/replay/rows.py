"""What each observation of a file says: an event, that there is none, or nothing that can be used.

Every row ends in one of the three, so that the ledger of a replay adds up.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final, NamedTuple

from ingest.sources.outcome import Refused, Rejected
from ingest.sources.replay.columns import Columns
from ingest.sources.replay.making import READING, Make
from schema.events import Event
from urbanclear.errors import InvalidEvent

Value = float | InvalidEvent | None
Outcome = Event | Refused | Rejected

NO_DATA: Final = Refused("no_data")
MISSING: Final = Refused("missing")


class Window(NamedTuple):
    """The times to replay: from `start` on, before `end`."""

    start: datetime | None = None
    end: datetime | None = None

    def __contains__(self, time: object) -> bool:
        """Whether a time is to be replayed; what has no time is."""
        if self.start is self.end is None or not isinstance(time, datetime):
            return True
        return (self.start is None or time >= self.start) and (self.end is None or time < self.end)


def outcomes(file: str, columns: Columns, window: Window, make: Make = READING) -> Iterator[Outcome]:
    """What a block says, in its order; observations known to lie outside `window` are left out."""
    for row, error in columns.unusable:
        yield _rejected(file, columns, row, "", error)
    names = tuple(columns.measures)
    observations = zip(columns.sensors, columns.times, columns.no_data, *columns.measures.values(), strict=True)
    for place, (sensor, time, no_data, *values) in enumerate(observations):
        if time not in window:
            continue
        try:
            yield _outcome(sensor, time, no_data, dict(zip(names, values, strict=True)), make)
        except InvalidEvent as error:
            name = columns.names[place] if columns.names else ""
            yield _rejected(file, columns, columns.rows[place], name, error)


def is_past(columns: Columns, window: Window) -> bool:
    """Whether the last observation of a block is at the window's end or later."""
    if window.end is None:
        return False
    for time, no_data in zip(reversed(columns.times), reversed(columns.no_data), strict=True):
        if no_data is False and isinstance(time, datetime):
            return time >= window.end
    return False


def _outcome(
    sensor: str | InvalidEvent,
    time: datetime | InvalidEvent,
    no_data: bool | InvalidEvent,
    values: dict[str, Value],
    make: Make,
) -> Outcome:
    if no_data is True:
        return NO_DATA
    for cell in (sensor, no_data, *values.values()):
        if isinstance(cell, InvalidEvent):
            raise cell
    if not any(value is not None for value in values.values()):
        return MISSING
    if isinstance(time, InvalidEvent):
        raise time
    return make(sensor, time, values)  # type: ignore[arg-type]  # none of them is an InvalidEvent


def _rejected(file: str, columns: Columns, row: int, name: str, error: InvalidEvent) -> Rejected:
    origin = f"{file}:{columns.block.line(row)}{':' if name else ''}{name}"
    return Rejected(origin, columns.block.raw(row), error.reason, error.detail)
