"""Files of speeds as research and cities publish them, read into a `Frame`: metr-la, pems and nyc-dot."""

import csv
import gzip
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Final, TextIO

import numpy as np

from schema.units import KMH_PER_MPH
from spark.forecast.frame import STEP_S, STEPS_A_DAY, Frame, Ints
from spark.forecast.window import Floats
from spark.options import SpeedFormat
from urbanclear.errors import SourceError
from urbanclear.public_holidays import holidays_between

ZONES: Final[dict[SpeedFormat, str]] = {
    "metr-la": "America/Los_Angeles",
    "pems": "America/Los_Angeles",
    "nyc-dot": "America/New_York",
}
REGIONS: Final[dict[SpeedFormat, str]] = {"metr-la": "US-CA", "pems": "US-CA", "nyc-dot": "US-NY"}
_PEMS_BEGINS: Final = datetime(2012, 5, 1)
"""Of PeMSD7: its files have no times, and are of the working days of May and June 2012 (Yu et al., IJCAI 2018)."""
_NYC_COLUMNS: Final = {"speed", "status", "data_as_of"}
_GOOD: Final = "0"
_SATURDAY: Final = 5


def read(format_: SpeedFormat, paths: Sequence[Path]) -> list[Frame]:
    """One frame a file; raises `SourceError` where one cannot be read, or where two are of the same time. Files of
    pems, which have no times, follow one another."""
    if twice := {path for path in paths if paths.count(path) > 1}:
        raise SourceError(f"{min(twice)} is named twice: what is judged must not be what was learned from.")
    frames: list[Frame] = []
    for path in paths:
        frames.append(_pems(path, sum(map(_working_steps, frames))) if format_ == "pems" else _READERS[format_](path))
    ordered = sorted(zip(frames, paths, strict=True), key=lambda pair: pair[0].clock_s)
    for (earlier, one), (later, other) in pairwise(ordered):
        if later.first < earlier.end:
            raise SourceError(
                f"{one} and {other} overlap from {later.first} on: what is judged must not be what was learned from."
            )
    return frames


def _read_table(path: Path, parse: Callable[[TextIO], Frame]) -> Frame:
    try:
        with gzip.open(path, "rt", newline="") if path.suffix == ".gz" else path.open(newline="") as file:
            return parse(file)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error, ValueError, IndexError) as error:
        raise SourceError(f"{path} cannot be read: check that it is whole and of this format. ({error})") from error


def _metr_la(path: Path) -> Frame:
    """`timestamp,<sensor>,…`, mph, 0 for missing, every five minutes by the city's clock."""

    def parse(file: TextIO) -> Frame:
        rows = csv.reader(file)
        head = next(rows, [])
        if not head or head[0] != "timestamp":
            raise ValueError("its first column should be `timestamp`, and the others sensors")
        body = list(rows)
        times = np.array([_clock_s(row[0]) for row in body], np.int64)
        speeds = np.array([[float(cell or 0) for cell in row[1:]] for row in body], np.float32)
        return _framed(times, np.arange(len(times)), tuple(head[1:]), speeds, "metr-la")

    return _read_table(path, parse)


def _pems(path: Path, before: int) -> Frame:
    """One row each five minutes, one column a station, mph, no head; working days alone, the first of them `before`
    steps after they began."""

    def parse(file: TextIO) -> Frame:
        speeds = np.array([[float(cell or 0) for cell in row] for row in csv.reader(file)], np.float32)
        begins = int(_PEMS_BEGINS.replace(tzinfo=UTC).timestamp())
        day, step = np.divmod(before + np.arange(len(speeds)), STEPS_A_DAY)
        weeks, weekday = np.divmod(day + _PEMS_BEGINS.weekday(), 5)
        times = begins + ((weeks * 7 + weekday) - _PEMS_BEGINS.weekday()) * 86_400 + step * STEP_S
        sensors = tuple(str(number) for number in range(speeds.shape[1]))
        return _framed(times, np.arange(len(times)), sensors, speeds, "pems")

    return _read_table(path, parse)


def _nyc_dot(path: Path) -> Frame:
    """Rows of `SPEED, STATUS, DATA_AS_OF, LINK_ID` in any order and case, mph; a status other than 0 is no speed."""

    def parse(file: TextIO) -> Frame:
        rows = csv.reader(file)
        head = [name.strip().lower() for name in next(rows, [])]
        if missing := (_NYC_COLUMNS | {"link_id"}) - set(head):
            raise ValueError(f"it has no column {', '.join(sorted(missing))}")
        speed, status, time, link = (head.index(name) for name in ("speed", "status", "data_as_of", "link_id"))
        minutes: dict[str, int] = {}
        names: dict[str, int] = {}
        times, columns, speeds = [], [], []
        for row in rows:
            column = names.setdefault(row[link], len(names))
            if row[status] != _GOOD:
                continue
            stamp = row[time]
            minute = minutes.get(stamp[:16])
            if minute is None:
                minute = minutes[stamp[:16]] = _clock_s(stamp[:16])
            times.append(minute)
            columns.append(column)
            speeds.append(float(row[speed]))
        return _framed(
            np.array(times, np.int64), np.array(columns), tuple(names), np.array(speeds, np.float32), "nyc-dot"
        )

    return _read_table(path, parse)


_READERS: Final[dict[SpeedFormat, Callable[[Path], Frame]]] = {"metr-la": _metr_la, "nyc-dot": _nyc_dot}


def _working_steps(frame: Frame) -> int:
    weekdays = replace(frame, holidays=frozenset()).weekdays(np.arange(len(frame)))
    return int((weekdays < _SATURDAY).sum())


def _clock_s(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def _framed(times: Ints, columns: Ints, sensors: tuple[str, ...], mph: Floats, format_: SpeedFormat) -> Frame:
    """The mean of each sensor's speeds in each five minutes; `mph` is [times, sensors], or one speed a time, of the
    sensor `columns` tells; what is not above 0 is missing."""
    if not len(times):
        raise ValueError("it has no speeds")
    first = int(times.min()) // STEP_S * STEP_S
    steps = (times - first) // STEP_S
    shape = (int(steps.max()) + 1, len(sensors))
    if mph.ndim == 2:
        steps, columns, mph = np.repeat(steps, shape[1]), np.tile(np.arange(shape[1]), len(mph)), mph.reshape(-1)
    is_speed = mph > 0
    at = steps[is_speed] * shape[1] + columns[is_speed]
    cells = shape[0] * shape[1]
    count = np.bincount(at, minlength=cells)
    total = np.bincount(at, mph[is_speed], minlength=cells)
    with np.errstate(invalid="ignore"):
        speeds = (total / np.where(count, count, np.nan) * KMH_PER_MPH).astype(np.float32).reshape(shape)
    frame = Frame(first, sensors, speeds)
    days = holidays_between(REGIONS[format_], frame.first.date(), frame.end.date() + timedelta(days=1))
    return Frame(first, sensors, speeds, frozenset(days))
