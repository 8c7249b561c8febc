"""Readings as columns: what a batch of them is while it goes through ingest, an array a measure, so that ten
thousand cost a few milliseconds of Python."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Final, Protocol, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from schema.events import Reading, Time
from schema.rollups import MEASURES

Integers = NDArray[np.int64]
Places = NDArray[np.int32]

NEVER: Final = np.iinfo(np.int64).min
"""Stands for a time that there is not."""
MICROSECOND: Final = timedelta(microseconds=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_get_time: Final = attrgetter("time")
_getters: Final = [attrgetter(name) for name in MEASURES]


class Row(Protocol):
    """A `Reading` as it is decoded here: see `_row_decoder`."""

    sensor: str
    time: str


def microseconds(time: datetime) -> int:
    """`time` as it is kept in columns: microseconds since 1970, UTC."""
    return (time - _EPOCH) // MICROSECOND


def moment(time: int) -> datetime:
    """The time of that many microseconds since 1970."""
    return _EPOCH + time * MICROSECOND


@dataclass(frozen=True)
class Readings:
    """`n` readings. `rows` says which of its batch each is, in the order of arrival."""

    sensors: Places  # (n,), places in the registry
    times: Integers  # (n,), microseconds since 1970, UTC
    measures: NDArray[np.float32]  # (4, n), in the order of MEASURES; NaN where there is none
    rows: Integers  # (n,)

    def __len__(self) -> int:
        return len(self.times)

    def take(self, places: Integers | NDArray[np.bool_]) -> "Readings":
        """Those at `places`, in that order."""
        return Readings(self.sensors[places], self.times[places], self.measures[:, places], self.rows[places])


class Times(dict[str, int]):
    """What the stamps of a batch mean, in microseconds since 1970; `NEVER` for one that is none.

    All readings of a poll have the same stamp, which is read once.
    """

    def __missing__(self, stamp: str) -> int:
        try:
            time = microseconds(msgspec.convert(stamp, Time))
        except msgspec.ValidationError:
            time = NEVER
        self[stamp] = time
        return time


def columns(rows: Sequence[Row], sensors: Sequence[int]) -> Readings:
    """The columns of `rows`, of sensors at these places in the registry."""
    times = np.array(list(map(Times().__getitem__, map(_get_time, rows))), dtype=np.int64)
    measures = np.empty((len(MEASURES), len(rows)), dtype=np.float32)
    for column, get in zip(measures, _getters, strict=True):
        column[:] = list(map(get, rows))
    return Readings(np.array(sensors, dtype=np.int32), times, measures, np.arange(len(rows)))


def _row_decoder() -> Callable[[bytes], Row | list[Row]]:
    """Decodes `Reading`s without what is checked for whole columns at once, in a third of the time."""
    checked_later = {"sensor": str, "time": str}
    fields = [
        (field.name, checked_later.get(field.name, field.type), *(() if field.required else (field.default,)))
        for field in msgspec.structs.fields(Reading)
    ]
    row = msgspec.defstruct("Row", fields, kw_only=True, gc=False)
    decode: Callable[[bytes], Row | list[Row]] = msgspec.json.Decoder(row | list[row]).decode  # type: ignore[valid-type]
    return decode


decode_rows: Final = _row_decoder()
UNUSABLE: Final = cast(Row, decode_rows(b'{"sensor":"","time":""}'))
"""Stands for what could not be decoded, and passes no check."""
