"""Turns blocks of rows into columns of sensors, times and measures, whichever way the file is laid out.

Working by columns is what makes reading fast: a stamp or a sensor that repeats is read once. A cell that cannot be
read becomes the `InvalidEvent` that says why, in its place; what comes of its row is decided in `rows.py`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Generic, TypeVar

import msgspec
import numpy

from ingest.sources.replay.formats import Format, Measure, canonical
from ingest.sources.replay.table import Block, Rows
from ingest.sources.replay.times import Times, Twice
from schema.events import ExternalId
from urbanclear.errors import InvalidEvent

ANY_SENSOR: Final = ""
T = TypeVar("T")


@dataclass(frozen=True)
class Columns:
    """The observations of a block, one entry each. `rows` says from which row each is."""

    block: Block
    sensors: Sequence[str | InvalidEvent]
    times: Sequence[datetime | InvalidEvent]
    no_data: Sequence[bool | InvalidEvent]
    measures: dict[str, Sequence[float | InvalidEvent | None]]
    rows: Sequence[int]
    names: Sequence[str] | None = None
    unusable: list[tuple[int, str]] = field(default_factory=list)  # rows that have no columns, and why


class Memo(dict[str, T | InvalidEvent], Generic[T]):
    """What each text means, read once."""

    def __init__(self, read: Callable[[str], T]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, text: str) -> T | InvalidEvent:
        try:
            value: T | InvalidEvent = self._read(text)
        except InvalidEvent as error:
            value = error
        self[text] = value
        return value


def number(text: str) -> float | None:
    """The number in a cell, None where it is empty or NaN."""
    stripped = text.strip()
    if not stripped:
        return None
    try:
        value = float(stripped)
    except ValueError:
        raise InvalidEvent("bad_number", f"{text[:40]!r} is no number") from None
    if value in (float("inf"), float("-inf")):
        raise InvalidEvent("bad_number", f"{text[:40]!r} is not finite")
    return None if value != value else value


class Layout:
    """What both layouts share: which rows have the right width, and how numbers and times are read."""

    def __init__(self, table: Rows, chosen: Format, times: Times) -> None:
        self._table = table
        self._format = chosen
        self._times = times
        self._column = {canonical(column): index for index, column in enumerate(table.columns)}
        self._number = Memo(number)
        self._moment = Memo(times.moment)
        self.descriptions: dict[str, dict[str, str]] = {}

    def columns(self) -> Iterator[Columns]:
        """The table, block by block."""
        width = len(self._table.columns)
        for block in self._table.blocks():
            whole = [index for index, row in enumerate(block.rows) if row is not None and len(row) == width]
            self._number.clear()
            self._moment.clear()
            yield self._columns(block, whole, _unusable(block, whole))

    def _columns(self, block: Block, whole: list[int], unusable: list[tuple[int, str]]) -> Columns:
        raise NotImplementedError

    def _values(self, texts: Sequence[str], measure: Measure) -> Sequence[float | InvalidEvent | None]:
        missing = self._format.missing
        try:
            found = numpy.fromiter(map(float, texts), dtype=float, count=len(texts))
        except ValueError:
            found = None
        if (
            found is not None
            and numpy.isfinite(found).all()
            and not (missing is not None and (found == missing).any())
        ):
            values: list[float] = (found * measure.factor).tolist()
            return values
        cells = map(self._number.__getitem__, texts)
        return [_in_our_unit(cell, missing, measure.factor) for cell in cells]

    def _instants(
        self, sensors: Sequence[str | InvalidEvent], moments: Sequence[datetime | Twice | InvalidEvent]
    ) -> Sequence[datetime | InvalidEvent]:
        """The moments, those that come twice told apart."""
        return [
            self._times.tell_apart(str(sensor), moment) if isinstance(moment, Twice) else moment
            for sensor, moment in zip(sensors, moments, strict=True)
        ]


class Long(Layout):
    """One observation a row."""

    def __init__(self, table: Rows, chosen: Format, times: Times) -> None:
        super().__init__(table, chosen, times)
        self._sensor_at = self._column[str(chosen.sensor_column)]
        self._time_at = self._column[str(chosen.time_column)]
        self._status_at = self._column.get(chosen.status_column or "")
        self._describes = chosen.description_column in self._column
        self._sensor = Memo(self._read_sensor)
        self._no_data = Memo(self._read_status)

    def _columns(self, block: Block, whole: list[int], unusable: list[tuple[int, str]]) -> Columns:
        rows = [block.rows[index] or [] for index in whole]
        texts = list(zip(*rows, strict=True)) or [()] * len(self._table.columns)
        sensors = list(map(self._sensor.__getitem__, texts[self._sensor_at]))
        moments = list(map(self._moment.__getitem__, texts[self._time_at]))
        if self._describes:
            self._take_descriptions(sensors, rows)
        return Columns(
            block=block,
            sensors=sensors,
            times=self._instants(sensors, moments),
            no_data=self._flags(texts),
            measures={
                name: self._values(texts[self._column[measure.column]], measure)
                for name, measure in self._format.measures.items()
                if measure.column in self._column
            },
            rows=whole,
            unusable=unusable,
        )

    def _flags(self, texts: list[tuple[str, ...]]) -> Sequence[bool | InvalidEvent]:
        stamps = texts[self._time_at]
        if self._status_at is None:
            return [False] * len(stamps)
        flags = list(map(self._no_data.__getitem__, texts[self._status_at]))
        if never := {stamp for stamp in set(stamps) if self._was_never_set(stamp)}:
            return [True if stamp in never else flag for stamp, flag in zip(stamps, flags, strict=True)]
        return flags

    def _was_never_set(self, stamp: str) -> bool:
        """Whether a stamp is the one that a link's clock starts from."""
        never = self._format.never_set
        if never is None or str(never.year) not in stamp:
            return False
        try:
            return self._times.local(stamp) == never
        except InvalidEvent:
            return False

    def _read_status(self, text: str) -> bool:
        status = number(text)
        if status is None:
            raise InvalidEvent("bad_status", "the status is empty")
        return status == self._format.no_data_status

    def _read_sensor(self, text: str) -> str:
        try:
            return msgspec.convert(self._format.prefix + text.strip(), ExternalId)
        except msgspec.ValidationError as error:
            raise InvalidEvent("bad_sensor", str(error)) from None

    def _take_descriptions(self, sensors: Sequence[str | InvalidEvent], rows: list[list[str]]) -> None:
        first = dict(zip(reversed(sensors), reversed(rows), strict=True))
        for sensor in first.keys() - self.descriptions.keys():
            if isinstance(sensor, str):
                self.descriptions[sensor] = dict(zip(self._column, first[sensor], strict=True))


class Wide(Layout):
    """One time a row, one sensor a column. A row without a time is unusable, unless it holds no observation."""

    def __init__(self, table: Rows, chosen: Format, times: Times) -> None:
        super().__init__(table, chosen, times)
        self._time_at = None if chosen.time_column is None else self._column[chosen.time_column]
        self._from = 0 if self._time_at is None else 1
        self._names = table.columns[self._from :]
        self._sensors = [chosen.prefix + name for name in self._names]
        [(self._measure_name, self._measure)] = chosen.measures.items()

    def _columns(self, block: Block, whole: list[int], unusable: list[tuple[int, str]]) -> Columns:
        texts = [text for index in whole for text in (block.rows[index] or [])[self._from :]]
        values = self._values(texts, self._measure)
        moments = [self._row_moment(block, index) for index in whole]
        times = self._instants([ANY_SENSOR] * len(whole), moments)
        width = len(self._names)
        kept = []
        for place, (index, time) in enumerate(zip(whole, times, strict=True)):
            if isinstance(time, InvalidEvent) and any(
                value is not None for value in values[place * width : (place + 1) * width]
            ):
                unusable.append((index, time.reason))
            else:
                kept.append(place)
        if len(kept) < len(whole):
            values = [value for place in kept for value in values[place * width : (place + 1) * width]]
        return Columns(
            block=block,
            sensors=self._sensors * len(kept),
            times=[times[place] for place in kept for _ in range(width)],
            no_data=[False] * (len(kept) * width),
            measures={self._measure_name: values},
            rows=[whole[place] for place in kept for _ in range(width)],
            names=self._names * len(kept),
            unusable=unusable,
        )

    def _row_moment(self, block: Block, index: int) -> datetime | Twice | InvalidEvent:
        if self._format.steps is None:
            return self._moment[(block.rows[index] or [])[self._time_at or 0]]
        row = block.first_line + index - self._table.first_row_line
        return self._moment[self._format.steps.at(row).isoformat()]


def layout_of(table: Rows, chosen: Format, times: Times) -> Layout:
    """The reader of a table in the chosen format."""
    return (Wide if chosen.sensor_column is None else Long)(table, chosen, times)


def _unusable(block: Block, whole: list[int]) -> list[tuple[int, str]]:
    """Rows of another width; an empty line is no row."""
    if len(whole) == len(block.rows):
        return []
    others = sorted(set(range(len(block.rows))) - set(whole))
    rows = [(index, block.rows[index]) for index in others]
    return [(index, "truncated" if row is None else "wrong_column_count") for index, row in rows if row != []]


def _in_our_unit(
    cell: float | InvalidEvent | None, missing: float | None, factor: float
) -> float | InvalidEvent | None:
    if cell is None or isinstance(cell, InvalidEvent):
        return cell
    return None if cell == missing else cell * factor
