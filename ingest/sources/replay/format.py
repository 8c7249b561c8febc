"""What a format of recorded observations says of itself: where sensor, time and measures stand, and what they mean.

Nothing here reads a file. Column names are compared by `canonical`, so that `DATA_AS_OF`, `data_as_of` and `DataAsOf`
are one.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final, Literal

from schema.events import Event, Reading

COLUMNS_SHOWN: Final = 12


def canonical(column: str) -> str:
    """The name of a column without case, underscores and spaces."""
    return re.sub(r"[^a-z0-9]", "", column.lower())


def shown(columns: Sequence[str]) -> str:
    """Columns for a message, cut short."""
    cells = [repr(column[:40]) for column in columns[:COLUMNS_SHOWN]]
    return ", ".join(cells) + (f" and {len(columns) - COLUMNS_SHOWN} more" if len(columns) > COLUMNS_SHOWN else "")


@dataclass(frozen=True)
class Measure:
    """Where a measure stands and what it is multiplied by to be in our unit."""

    column: str
    factor: float = 1.0


@dataclass(frozen=True)
class Steps:
    """The times of rows that carry none: one every `every`, from midnight of `first`, on weekdays only."""

    first: date
    every: timedelta

    def at(self, row: int) -> datetime:
        """The local time of a row, counted from 0."""
        day, step = divmod(row, timedelta(days=1) // self.every)
        weeks, weekday = divmod(self.first.weekday() + day, 5)
        monday = self.first - timedelta(days=self.first.weekday())
        return datetime.combine(monday + timedelta(weeks=weeks, days=weekday), time()) + step * self.every


def _as_it_is(chosen: "Format", _: str) -> "Format":
    return chosen


@dataclass(frozen=True)
class Format:
    """A form of recorded observations.

    No `zone`: stamps carry their offset. The sensor stands in the `sensor_columns`, or is the only `sensor` of the
    file; with neither there is a column a sensor. With a `date_column`, 24 columns of hours follow it.
    """

    name: str
    columns: str
    fits: Callable[[Sequence[str]], bool]
    prefix: str
    zone: str | None
    measures: Mapping[str, Measure]
    event: type[Event] = Reading
    sensor_columns: tuple[str, ...] = ()
    sensor: str | None = None
    time_column: str | None = None
    date_column: str | None = None
    steps: Steps | None = None
    status_column: str | None = None
    no_data_status: float | None = None
    never_set: datetime | None = None
    missing: float | None = None
    kind: Literal["link", "detector"] = "detector"
    known: Mapping[str, str] = field(default_factory=dict)  # of the only sensor, as `schema.events.Sensor` calls it
    sidecar: str | None = None
    sidecar_column: str = ""  # names the sensor in the sidecar
    description_column: str | None = None
    time_patterns: tuple[str, ...] = field(default=())
    of_file: Callable[["Format", str], "Format"] = _as_it_is  # where the file's name says what the file does not
