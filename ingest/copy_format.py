"""Rows in PostgreSQL's binary COPY format (documentation of COPY, "Binary Format"), made from columns at once.

A field is its length and its bytes, all big-endian; NULL is the length −1 and nothing. Rows with the same fields
present have the same layout, so each combination that occurs is one array.
"""

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ingest.readings import Integers, Readings
from schema.rollups import MEASURES

SIGNATURE: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER: Final = b"\xff\xff"
_FIELDS: Final = 3 + len(MEASURES)  # sensor_id, time, the measures, flag
_EPOCH_2000: Final = 946_684_800_000_000  # PostgreSQL counts from 2000-01-01, in microseconds


def encode(readings: Readings, ids: NDArray[np.int32], flags: NDArray[np.int8]) -> bytes:
    """What to send for `COPY … (sensor_id, time, <measures>, flag)`; a flag of 0 is NULL."""
    present = np.vstack([~np.isnan(readings.measures), flags != 0])
    layout = (1 << np.arange(len(present))) @ present
    blocks = [
        _block(readings.take(rows), ids[rows], flags[rows], int(one))
        for one in np.unique(layout)
        for rows in (np.flatnonzero(layout == one),)
    ]
    return b"".join([SIGNATURE, *blocks, TRAILER])


def _block(readings: Readings, ids: NDArray[np.int32], flags: NDArray[np.int8], layout: int) -> bytes:
    """Rows that have the same fields."""
    rows = np.empty(len(readings), dtype=_row(layout))
    rows["fields"] = _FIELDS
    _put(rows, "sensor_id", ids)
    _put(rows, "time", readings.times - _EPOCH_2000)
    for number, name in enumerate((*MEASURES, "flag")):
        if layout >> number & 1:
            _put(rows, name, flags if name == "flag" else readings.measures[number])
        else:
            rows[f"{name} length"] = -1
    return rows.tobytes()


def _put(rows: NDArray[np.void], name: str, values: NDArray[np.generic] | Integers) -> None:
    rows[f"{name} length"], rows[name] = rows.dtype[name].itemsize, values


@cache
def _row(layout: int) -> np.dtype[np.void]:
    """The type of a row; bit `i` of `layout` says whether field `i` after the key is there."""
    fields: list[tuple[str, str]] = [("fields", ">i2")]
    for name, kind in (("sensor_id", ">i4"), ("time", ">i8")):
        fields += [(f"{name} length", ">i4"), (name, kind)]
    for number, name in enumerate((*MEASURES, "flag")):
        fields.append((f"{name} length", ">i4"))
        if layout >> number & 1:
            fields.append((name, ">i2" if name == "flag" else ">f4"))
    return np.dtype(fields)
