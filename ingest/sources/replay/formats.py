"""The named formats of recorded readings: how each is recognised and what its columns mean.

A format says where sensor, time and measures stand; nothing here reads a file. Column names are compared by
`canonical`, so that `DATA_AS_OF`, `data_as_of` and `DataAsOf` are one.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final

from schema.units import KMH_PER_MPH
from urbanclear.errors import ConfigurationError, SourceError

SMALLEST_STATION_ID: Final = 1_000
COLUMNS_SHOWN: Final = 12


def canonical(column: str) -> str:
    """The name of a column without case, underscores and spaces."""
    return re.sub(r"[^a-z0-9]", "", column.lower())


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


@dataclass(frozen=True)
class Format:
    """A form of recorded readings. No `zone`: stamps carry their offset; no `sensor_column`: a column a sensor."""

    name: str
    columns: str
    fits: Callable[[Sequence[str]], bool]
    prefix: str
    zone: str | None
    measures: Mapping[str, Measure]
    sensor_column: str | None = None
    time_column: str | None = None
    steps: Steps | None = None
    status_column: str | None = None
    no_data_status: float | None = None
    never_set: datetime | None = None
    missing: float | None = None
    sidecar: str | None = None
    description_column: str | None = None
    time_patterns: tuple[str, ...] = field(default=())


def _is_nyc_dot(columns: Sequence[str]) -> bool:
    return {"speed", "traveltime", "status", "dataasof", "linkid"} <= {canonical(column) for column in columns}


def _is_readings(columns: Sequence[str]) -> bool:
    names = {canonical(column) for column in columns}
    return {"sensor", "time"} <= names and any(m.column in names for m in _READING_MEASURES.values())


def _is_metr_la(columns: Sequence[str]) -> bool:
    return len(columns) > 1 and canonical(columns[0]) == "timestamp" and all(c.isdigit() for c in columns[1:])


def _is_pems(columns: Sequence[str]) -> bool:
    return len(columns) > 1 and all(re.fullmatch(r"\d+(\.\d+)?", column) for column in columns)


_READING_MEASURES: Final = {
    "speed_kmh": Measure("speedkmh"),
    "volume_vph": Measure("volumevph"),
    "occupancy": Measure("occupancy"),
    "travel_time_s": Measure("traveltimes"),
}

NYC_DOT: Final = Format(
    name="nyc-dot",
    columns="SPEED, TRAVEL_TIME, STATUS, DATA_AS_OF, LINK_ID (any case)",
    fits=_is_nyc_dot,
    prefix="nyc-dot:",
    zone="America/New_York",
    sensor_column="linkid",
    time_column="dataasof",
    time_patterns=("%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p"),
    measures={"speed_kmh": Measure("speed", KMH_PER_MPH), "travel_time_s": Measure("traveltime")},
    status_column="status",
    no_data_status=-101,
    never_set=datetime(1978, 1, 1),
    sidecar="dot_speed_links.csv.gz",
    description_column="linkname",
)

METR_LA: Final = Format(
    name="metr-la",
    columns="timestamp, then one column a sensor named by its number",
    fits=_is_metr_la,
    prefix="metr-la:",
    zone="America/Los_Angeles",
    time_column="timestamp",
    measures={"speed_kmh": Measure("", KMH_PER_MPH)},
    missing=0.0,
    sidecar="sensor_locations.csv.gz",
)

# PeMSD7(M): "the weekdays of May and June of 2012", 5 minutes a row (Yu, Yin, Zhu: Spatio-Temporal Graph
# Convolutional Networks, IJCAI 2018).
PEMS: Final = Format(
    name="pems",
    columns="one column of numbers a station, no times, with or without a line of station numbers",
    fits=_is_pems,
    prefix="pems:",
    zone="America/Los_Angeles",
    steps=Steps(first=date(2012, 5, 1), every=timedelta(minutes=5)),
    measures={"speed_kmh": Measure("", KMH_PER_MPH)},
)

READINGS: Final = Format(
    name="readings",
    columns="sensor, time, and any of speed_kmh, volume_vph, occupancy, travel_time_s",
    fits=_is_readings,
    prefix="",
    zone=None,
    sensor_column="sensor",
    time_column="time",
    measures=_READING_MEASURES,
)

ALL: Final = (NYC_DOT, METR_LA, PEMS, READINGS)


def named(name: str) -> Format:
    """The format called `name`."""
    for known in ALL:
        if known.name == name:
            return known
    names = ", ".join(known.name for known in ALL)
    raise ConfigurationError(f"There is no format {name!r}; the formats are {names}.")


def recognise(file: str, columns: Sequence[str]) -> Format:
    """The format whose columns these are."""
    for known in ALL:
        if known.fits(columns):
            return known
    forms = "; ".join(f"{known.name}: {known.columns}" for known in ALL)
    raise SourceError(f"{file} is in no known format. Its columns are {shown(columns)}. The formats are {forms}.")


def check_fit(chosen: Format, file: str, columns: Sequence[str]) -> None:
    """Raise when the file's columns are not those of the format asked for."""
    if not chosen.fits(columns):
        raise ConfigurationError(
            f"{file} is not in the format {chosen.name} ({chosen.columns}): its columns are {shown(columns)}. "
            "Leave the format out to have it recognised."
        )


def is_headless(columns: Sequence[str]) -> bool:
    """Whether what stands in a header's place is the first row of values already, not numbers of stations."""
    return _is_pems(columns) and not all(c.isdigit() and int(c) >= SMALLEST_STATION_ID for c in columns)


def shown(columns: Sequence[str]) -> str:
    """Columns for a message, cut short."""
    cells = [repr(column[:40]) for column in columns[:COLUMNS_SHOWN]]
    return ", ".join(cells) + (f" and {len(columns) - COLUMNS_SHOWN} more" if len(columns) > COLUMNS_SHOWN else "")
