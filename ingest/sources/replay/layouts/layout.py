"""What all layouts share: which rows have the right width, and how sensors, numbers and times are read."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

import msgspec
import numpy

from ingest.sources.replay.columns import Columns, Memo, number
from ingest.sources.replay.format import Format, Measure, canonical
from ingest.sources.replay.tables import Block, Rows
from ingest.sources.replay.times import Times, Twice
from schema.events import ExternalId
from urbanclear.errors import InvalidEvent

Texts = list[tuple[str, ...]]  # by column

#: What `ExternalId` accepts, in words.
ID_FORM: Final = (
    "it must be SOURCE:NAME, such as city:a7, with SOURCE in small letters, digits and hyphens, "
    "and NAME of 1 to 120 characters without a space"
)


class Layout(ABC):
    """Reads a table by `columns`. `descriptions` are the rows that describe sensors, as far as they have come."""

    def __init__(self, table: Rows, chosen: Format, times: Times) -> None:
        self._table = table
        self._format = chosen
        self._times = times
        self._column = {canonical(column): index for index, column in enumerate(table.columns)}
        self._describes = chosen.description_column in self._column
        self._number = Memo(number)
        self._moment = Memo(times.moment)
        self._sensor = Memo(self._read_sensor)
        self.descriptions: dict[str, dict[str, str]] = {}

    def columns(self) -> Iterator[Columns]:
        """The table, block by block."""
        width = len(self._table.columns)
        for block in self._table.blocks():
            whole = [index for index, row in enumerate(block.rows) if row is not None and len(row) == width]
            self._number.clear()
            self._moment.clear()
            yield self._columns(block, whole, _unusable(block, whole, width))

    @abstractmethod
    def _columns(self, block: Block, whole: list[int], unusable: list[tuple[int, InvalidEvent]]) -> Columns:
        """A block's observations. `whole` are its rows of the right width, `unusable` the others, and why."""

    def _by_column(self, rows: list[list[str]]) -> Texts:
        return list(zip(*rows, strict=True)) or [()] * len(self._table.columns)

    def _sensors(self, texts: Texts) -> list[str | InvalidEvent]:
        """The sensor of each row."""
        if self._format.sensor is not None:
            return [self._sensor[self._format.sensor]] * len(texts[0])
        places = [self._column[name] for name in self._format.sensor_columns]
        if len(places) == 1:
            return list(map(self._sensor.__getitem__, texts[places[0]]))
        cells = zip(*(texts[place] for place in places), strict=True)
        return [self._sensor["-".join(map(str.strip, parts))] for parts in cells]

    def _read_sensor(self, text: str) -> str:
        external_id = self._format.prefix + text.strip()
        try:
            return msgspec.convert(external_id, ExternalId)
        except msgspec.ValidationError:
            raise InvalidEvent("bad_sensor", f"{external_id[:40]!r} is no sensor's id: {ID_FORM}") from None

    def _take_descriptions(self, sensors: Sequence[str | InvalidEvent], rows: list[list[str]]) -> None:
        if not self._describes:
            return
        first = dict(zip(reversed(sensors), reversed(rows), strict=True))
        for sensor in first.keys() - self.descriptions.keys():
            if isinstance(sensor, str):
                self.descriptions[sensor] = dict(zip(self._column, first[sensor], strict=True))

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


def _unusable(block: Block, whole: list[int], width: int) -> list[tuple[int, InvalidEvent]]:
    """Rows of another width; an empty line is no row."""
    if len(whole) == len(block.rows):
        return []
    others = sorted(set(range(len(block.rows))) - set(whole))
    rows = [(index, block.rows[index]) for index in others]
    return [
        (index, block.none_is if row is None else _of_other_width(row, width)) for index, row in rows if row != []
    ]


def _of_other_width(row: list[str], width: int) -> InvalidEvent:
    return InvalidEvent("wrong_column_count", f"the row has {len(row)} columns, the file has {width}")


def _in_our_unit(
    cell: float | InvalidEvent | None, missing: float | None, factor: float
) -> float | InvalidEvent | None:
    if cell is None or isinstance(cell, InvalidEvent):
        return cell
    return None if cell == missing else cell * factor
