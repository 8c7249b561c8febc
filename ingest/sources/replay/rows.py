"""What each row of a file says: a reading, that there is none, or nothing that can be used.

Every row ends in one of the three, so that the ledger of a replay adds up.
"""

from collections.abc import Iterator
from datetime import datetime
from math import isfinite, isnan
from typing import NamedTuple

import msgspec

from ingest.sources.replay.formats import Format, Measure, canonical
from ingest.sources.replay.table import Block, Table
from ingest.sources.replay.times import Times
from schema.events import ExternalId, Reading
from urbanclear.errors import InvalidEvent

ANY_SENSOR = ""


class Refused(NamedTuple):
    """The feed itself says that there is no observation."""

    sensor: str
    reason: str
    time: datetime | None


class Rejected(NamedTuple):
    """A row, or a cell of it, that cannot be used."""

    origin: str
    row: bytes
    reason: str


Outcome = Reading | Refused | Rejected


class Window(NamedTuple):
    """The times to replay: from `start` on, before `end`."""

    start: datetime | None = None
    end: datetime | None = None

    def __contains__(self, time: object) -> bool:
        if not isinstance(time, datetime):
            return True
        return (self.start is None or time >= self.start) and (self.end is None or time < self.end)


def rows_of(table: Table, chosen: Format, times: Times, window: Window) -> "Rows":
    """The reader of a table in the chosen format; rows known to lie outside `window` are left out."""
    layout = _Long if chosen.sensor_column is not None else _Wide
    return layout(table, chosen, times, window)


class Rows:
    """Reads a table once. `descriptions` are the first rows of sensors that the file itself describes."""

    def __init__(self, table: Table, chosen: Format, times: Times, window: Window) -> None:
        self._table = table
        self._format = chosen
        self._times = times
        self._window = window
        self._width = len(table.columns)
        self._column = {canonical(column): index for index, column in enumerate(table.columns)}
        self.descriptions: dict[str, dict[str, str]] = {}

    def outcomes(self) -> Iterator[list[Outcome]]:
        """What all rows say, block by block."""
        for block in self._table.blocks():
            yield [outcome for number, row in enumerate(block.rows) for outcome in self._read(block, number, row)]

    def _read(self, block: Block, number: int, row: list[str] | None) -> Iterator[Outcome]:
        if row is None:
            yield self._rejected(block, number, "truncated")
        elif len(row) == self._width:
            yield from self._outcomes(block, number, row)
        elif row:  # an empty line is no row
            yield self._rejected(block, number, "wrong_column_count")

    def _outcomes(self, block: Block, number: int, row: list[str]) -> Iterator[Outcome]:
        raise NotImplementedError

    def _rejected(self, block: Block, number: int, reason: str, column: str = "") -> Rejected:
        place = f"{self._table.path.name}:{block.first_line + number}{':' if column else ''}{column}"
        return Rejected(place, block.raw(number), reason)

    def _measure(self, measure: Measure, text: str) -> float | None:
        value = number(text)
        return None if value is None or value == self._format.missing else value * measure.factor


class _Long(Rows):
    """One observation a row."""

    def __init__(self, table: Table, chosen: Format, times: Times, window: Window) -> None:
        super().__init__(table, chosen, times, window)
        self._sensor = self._column[str(chosen.sensor_column)]
        self._time = self._column[str(chosen.time_column)]
        self._status = self._column.get(chosen.status_column or "")
        self._measures = [
            (name, measure, self._column[measure.column])
            for name, measure in chosen.measures.items()
            if measure.column in self._column
        ]
        self._describes = chosen.description_column in self._column
        self._known: set[str] = set()

    def _outcomes(self, block: Block, number: int, row: list[str]) -> Iterator[Outcome]:
        try:
            outcome = self._outcome(row)
        except InvalidEvent as error:
            outcome = self._rejected(block, number, error.reason)
        if outcome is not None:
            yield outcome

    def _outcome(self, row: list[str]) -> Outcome | None:
        sensor = self._format.prefix + row[self._sensor].strip()
        if sensor not in self._known:
            self._meet(sensor, row)
        no_data = self._says_no_data(row)
        try:
            time = self._times.read(sensor, row[self._time])
        except InvalidEvent:
            if no_data:
                return Refused(sensor, "no_data", None)
            raise
        if time not in self._window:
            return None
        if no_data:
            return Refused(sensor, "no_data", time)
        values = {name: self._measure(measure, row[index]) for name, measure, index in self._measures}
        if all(value is None for value in values.values()):
            return Refused(sensor, "missing", time)
        return reading(sensor, time, values)

    def _meet(self, sensor: str, row: list[str]) -> None:
        try:
            msgspec.convert(sensor, ExternalId)
        except msgspec.ValidationError as error:
            raise InvalidEvent("bad_sensor", str(error)) from None
        self._known.add(sensor)
        if self._describes:
            self.descriptions[sensor] = dict(zip(self._column, row, strict=True))

    def _says_no_data(self, row: list[str]) -> bool:
        if self._status is None:
            return False
        status = number(row[self._status])
        if status is None:
            raise InvalidEvent("bad_status", "the status is empty")
        return status == self._format.no_data_status or self._was_never_set(row[self._time])

    def _was_never_set(self, stamp: str) -> bool:
        """Whether the stamp is the one a link's clock starts from."""
        never = self._format.never_set
        return never is not None and str(never.year) in stamp and self._times.local(stamp) == never


class _Wide(Rows):
    """One time a row, one sensor a column."""

    def __init__(self, table: Table, chosen: Format, times: Times, window: Window) -> None:
        super().__init__(table, chosen, times, window)
        self._time = None if chosen.time_column is None else self._column[chosen.time_column]
        self._sensors = [
            (index, chosen.prefix + name) for index, name in enumerate(table.columns) if index != self._time
        ]
        [(self._name, self._unit)] = chosen.measures.items()

    def _outcomes(self, block: Block, number: int, row: list[str]) -> Iterator[Outcome]:
        cells = [self._cell(block, number, row, *sensor) for sensor in self._sensors]
        try:
            time = self._time_of(block, number, row)
        except InvalidEvent as error:
            yield from self._without_time(block, number, cells, error.reason)
            return
        if time not in self._window:
            return
        for cell, (index, sensor) in zip(cells, self._sensors, strict=True):
            if isinstance(cell, Rejected):
                yield cell
            elif cell is None:
                yield Refused(sensor, "missing", time)
            else:
                try:
                    yield reading(sensor, time, {self._name: cell})
                except InvalidEvent as error:
                    yield self._rejected(block, number, error.reason, self._table.columns[index])

    def _time_of(self, block: Block, number: int, row: list[str]) -> datetime:
        if self._format.steps is not None:
            line = block.first_line + number - self._table.first_row_line
            return self._times.read(ANY_SENSOR, self._format.steps.at(line))
        assert self._time is not None  # noqa: S101
        return self._times.read(ANY_SENSOR, row[self._time])

    def _cell(self, block: Block, number: int, row: list[str], index: int, sensor: str) -> float | Rejected | None:
        try:
            return self._measure(self._unit, row[index])
        except InvalidEvent as error:
            return self._rejected(block, number, error.reason, self._table.columns[index])

    def _without_time(
        self, block: Block, number: int, cells: list[float | Rejected | None], reason: str
    ) -> Iterator[Outcome]:
        """A row whose time cannot be used loses nothing when it holds no observation."""
        if any(cell is not None for cell in cells):
            yield self._rejected(block, number, reason)
        else:
            yield from (Refused(sensor, "missing", None) for _, sensor in self._sensors)


def number(text: str) -> float | None:
    """The number in a cell, None where it is empty or NaN."""
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        if not text.strip():
            return None
        raise InvalidEvent("bad_number", f"{text[:40]!r} is no number") from None
    if isnan(value):
        return None
    if not isfinite(value):
        raise InvalidEvent("bad_number", f"{text[:40]!r} is not finite")
    return value


def reading(sensor: str, time: datetime, values: dict[str, float | None]) -> Reading:
    """A reading that keeps the contract; raises `InvalidEvent` where its values cannot."""
    try:
        return msgspec.convert({"sensor": sensor, "time": time, **values}, Reading)
    except msgspec.ValidationError as error:
        raise InvalidEvent("invalid", str(error)) from None
