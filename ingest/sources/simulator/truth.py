"""Where the truth behind the readings is written down: a folder of Parquet files, one Parquet file, or CSV (.gz).

One row a sensor and time, the silent sensors too; docs/simulator.md explains the columns. A folder and a CSV file are
only ever added to, so that a run may go on where the one before ended, even if it was killed.
"""

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as parquet

from ingest.sources.simulator.observation import Observation
from urbanclear.errors import ConfigurationError

COLUMNS: Final = pa.schema(
    [
        ("time", pa.timestamp("ms", tz="UTC")),
        ("sensor", pa.string()),
        ("speed_kmh", pa.float64()),
        ("volume_vph", pa.float64()),
        ("occupancy", pa.float64()),
        ("travel_time_s", pa.float64()),
        ("undisturbed_speed_kmh", pa.float64()),
        ("undisturbed_volume_vph", pa.float64()),
        ("cause", pa.string()),
        ("failing", pa.string()),
        ("precipitation_mm", pa.float64()),
    ]
)
MOST_ROWS: Final = 250_000  # in memory, and in a file of a folder
LONGEST: Final = timedelta(minutes=5)  # of simulated time in a file of a folder
CSV_LONGEST: Final = timedelta(seconds=10)
STAMP: Final = "%Y%m%dT%H%M%S.%fZ"


def table(seen: Observation) -> pa.Table:
    """The truth of one time: what is published is null where the sensor was silent, `cause` where there is none."""
    silent = seen.silent
    names = np.array([*seen.causes, None], dtype=object)
    values = [
        pa.array([seen.time] * len(seen.sensors), COLUMNS.field("time").type),
        pa.array(seen.sensors, pa.string()),
        pa.array(seen.told.speed_kmh, mask=silent),
        pa.array(seen.told.volume_vph, mask=silent),
        pa.array(seen.occupancy, mask=silent),
        pa.array(seen.travel_time_s, mask=silent | np.isnan(seen.travel_time_s)),
        pa.array(seen.undisturbed.speed_kmh.round(1)),
        pa.array(seen.undisturbed.volume_vph.round()),
        pa.array(names[seen.cause], pa.string()),
        pa.array(np.where(silent, "silent", np.where(seen.stuck, "stuck", None)), pa.string()),  # type: ignore[call-overload]
        pa.array(np.full(len(seen.sensors), seen.precipitation_mm)),
    ]
    return pa.Table.from_arrays(values, schema=COLUMNS)


class Sink(Protocol):
    """Takes rows as they come."""

    longest: timedelta  # of simulated time that may wait in memory

    @property
    def newest(self) -> datetime | None:
        """Up to when the truth was written by runs before; None: not known, or there were none."""

    def write(self, rows: pa.Table) -> None:
        """Add rows, to stay."""

    def close(self) -> None:
        """Complete what is written."""


class Truth:
    """Collects observations and writes them in good-sized pieces; what waits is written on leaving."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._waiting: list[pa.Table] = []
        self._rows = 0
        self._since: datetime | None = None

    @property
    def newest(self) -> datetime | None:
        """Up to when the truth was written by runs before, where that is known."""
        return self._sink.newest

    def add(self, seen: Observation) -> None:
        """Note what the sensors saw."""
        self._since = self._since or seen.time
        self._waiting.append(table(seen))
        self._rows += len(seen.sensors)
        if self._rows >= MOST_ROWS or seen.time - self._since >= self._sink.longest:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        if self._waiting:
            self._sink.write(pa.concat_tables(self._waiting))
        self._waiting, self._rows, self._since = [], 0, None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.flush()
        self._sink.close()


class ParquetFolder:
    """A file for each five minutes or 250,000 rows, named by its first and last time, there only when complete."""

    longest = LONGEST

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def newest(self) -> datetime | None:
        names = [file.stem.rpartition("--")[2] for file in self._folder.glob("truth-*--*.parquet")]
        return max((datetime.strptime(name, STAMP).replace(tzinfo=UTC) for name in names), default=None)

    def write(self, rows: pa.Table) -> None:
        first, last = (rows["time"][at].as_py().strftime(STAMP) for at in (0, -1))
        file = self._folder / f"truth-{first}--{last}.parquet"
        unfinished = file.with_suffix(".unfinished")
        parquet.write_table(rows, unfinished, compression="zstd")
        unfinished.replace(file)

    def close(self) -> None:
        pass


class ParquetFile:
    """One file, which can be read once it is closed and never added to."""

    longest = LONGEST
    newest = None

    def __init__(self, path: Path) -> None:
        if path.exists():
            raise ConfigurationError(f"{path} is there and cannot be added to: name another file, or a folder.")
        self._writer = parquet.ParquetWriter(path, COLUMNS, compression="zstd")

    def write(self, rows: pa.Table) -> None:
        self._writer.write_table(rows)

    def close(self) -> None:
        self._writer.close()


class CsvFile:
    """Rows in plain or gzip form; each piece is a gzip member of its own, so that a later run can add more."""

    longest = CSV_LONGEST
    newest = None

    def __init__(self, path: Path) -> None:
        self._path = path
        self._headed = path.exists() and path.stat().st_size > 0

    def write(self, rows: pa.Table) -> None:
        text = pa.BufferOutputStream()
        arrow_csv.write_csv(
            rows, text, arrow_csv.WriteOptions(include_header=not self._headed, quoting_style="needed")
        )
        content = text.getvalue().to_pybytes()
        with self._path.open("ab") as file:
            file.write(gzip.compress(content) if self._path.suffix == ".gz" else content)
        self._headed = True

    def close(self) -> None:
        pass


def times_of(start: datetime, end: datetime, interval: timedelta) -> list[datetime]:
    """Every `interval` from `start` until before `end`; raises `ConfigurationError` where there is none."""
    if interval <= timedelta(0) or start >= end:
        raise ConfigurationError(f"There is no time from {start} to {end} every {interval}: say a later --to.")
    return [start + number * interval for number in range(-((start - end) // interval))]


def open_truth(path: Path) -> Truth:
    """The truth at `path`: by its ending a Parquet or CSV (.gz) file, else a folder; raises `ConfigurationError`."""
    try:
        return Truth(_sink(path))
    except OSError as error:
        raise ConfigurationError(f"The truth cannot be written to {path} ({error.strerror}): name another.") from None


def _sink(path: Path) -> Sink:
    if path.name.endswith(".parquet"):
        return ParquetFile(path)
    if path.name.endswith((".csv", ".csv.gz")):
        path.open("ab").close()
        return CsvFile(path)
    return ParquetFolder(path)
