"""Which files a path means, and how each is laid out: found before Spark is started, so that what is wrong is said at
once."""

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import pyarrow as pa
import pyarrow.parquet as parquet

from urbanclear.errors import ConfigurationError

Form = Literal["csv", "parquet"]
ENDINGS: Final[dict[str, Form]] = {".csv": "csv", ".csv.gz": "csv", ".parquet": "parquet"}


@dataclass(frozen=True)
class Layout:
    """Columns in their order, and the type of each where the file says so."""

    form: Form
    columns: tuple[str, ...]
    types: tuple[pa.DataType, ...] = ()


def tables_at(path: Path) -> dict[Layout, list[Path]]:
    """The files at `path`, by their layouts; raises `ConfigurationError` where there is none, or one of no use."""
    found: dict[Layout, list[Path]] = {}
    for file in _files(path):
        layout = _layout(file)
        _require_columns(file, layout.columns)
        found.setdefault(layout, []).append(file)
    return found


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        found = sorted(file for file in path.rglob("*") if _form(file) and file.is_file())
        if not found:
            raise ConfigurationError(
                f"There is no file in {path} that ends in {', '.join(ENDINGS)}: name another folder."
            )
        return found
    if not path.exists():
        raise ConfigurationError(
            f"There is no {path}: --source takes database, kafka, or the path of a file or folder of readings."
        )
    if _form(path) is None:
        raise ConfigurationError(f"{path} is no file of readings: it has to end in {', '.join(ENDINGS)}.")
    return [path]


def _form(file: Path) -> Form | None:
    return next((form for ending, form in ENDINGS.items() if file.name.endswith(ending)), None)


def _layout(file: Path) -> Layout:
    try:
        if _form(file) == "csv":
            return Layout("csv", tuple(next(_lines(file), ())))
        schema = parquet.read_schema(file)
        return Layout("parquet", tuple(schema.names), tuple(schema.types))
    except (OSError, EOFError, UnicodeDecodeError, csv.Error, pa.ArrowException) as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise ConfigurationError(
            f"{file} cannot be read: check that it is whole, and of the form that its name says. ({reason[0]})"
        ) from error


def _lines(file: Path) -> Iterator[list[str]]:
    opened = gzip.open if file.name.endswith(".gz") else open
    with opened(file, "rt", encoding="utf-8-sig", newline="") as text:
        yield from csv.reader(text)


def _require_columns(file: Path, columns: tuple[str, ...]) -> None:
    missing = [name for name in ("time", "speed_kmh") if name not in columns]
    if "sensor" not in columns and "sensor_id" not in columns:
        missing.insert(0, "sensor")
    if missing:
        raise ConfigurationError(
            f"{file} has no column {' and no column '.join(missing)}: columns are sensor, time, speed_kmh and, where "
            f"known, volume_vph."
        )
