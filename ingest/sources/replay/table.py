"""Reads CSV, TSV (plain or gzip) and Parquet in blocks of rows of text, and knows each row's place in its file.

A row is a line: a stray quote spoils one row, never the rest of the file. Memory does not grow with the file.
"""

import csv
import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Protocol

import pyarrow
from pyarrow import parquet

from ingest.sources.replay.formats import is_headless
from urbanclear.errors import SourceError

BLOCK_BYTES: Final = 256 * 1024
BLOCK_ROWS: Final = 4_096
LONGEST_LINE_BYTES: Final = 16 * 1024 * 1024
_DAMAGED: Final = (EOFError, zlib.error, gzip.BadGzipFile)


@dataclass(frozen=True)
class Block:
    """Consecutive rows. `lines` are the bytes they came from; a row None is the cut-off end of a damaged file."""

    first_line: int
    rows: list[list[str] | None]
    lines: list[bytes] | None = None

    def raw(self, row: int) -> bytes:
        """The bytes of a row; of a Parquet file, the row as a line of CSV."""
        if self.lines is not None:
            return self.lines[row]
        return ",".join(self.rows[row] or []).encode()


class Rows(Protocol):
    """Rows under named columns, wherever they are from."""

    columns: list[str]
    first_row_line: int

    def blocks(self) -> Iterator[Block]:
        """All rows."""


class Table:
    """A file of rows under named columns; opening it reads the header, `blocks` the rows, as often as asked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._magic = _magic(path)
        self.is_parquet = self._magic == b"PAR1"
        self.first_row = self._parquet_columns() if self.is_parquet else self._first_row()
        headless = not self.is_parquet and is_headless(self.first_row)
        self.columns = [str(number) for number in range(len(self.first_row))] if headless else self.first_row
        self.first_row_line = 1 if headless or self.is_parquet else 2

    def blocks(self) -> Iterator[Block]:
        """All rows. Raises `SourceError` at the place where the file is damaged, after the rows before it."""
        return self._parquet_blocks() if self.is_parquet else self._text_blocks()

    def _first_row(self) -> list[str]:
        line = next(self._pieces(), b"").split(b"\n", 1)[0].decode("utf-8-sig", "replace").rstrip("\r")
        if self._tail is not None and not line:
            raise SourceError(f"{self.path} is damaged from its start: {self._damage}. Fetch the file again.")
        if not line.strip():
            raise SourceError(f"{self.path} is empty; give a file that has a line of column names and rows.")
        self._delimiter = "\t" if "\t" in line else ","
        return [cell.strip() for cell in _cells([line], self._delimiter)[0]]

    def _text_blocks(self) -> Iterator[Block]:
        number = 1
        for piece in self._pieces():
            lines = piece.split(b"\n")
            if not lines[-1]:
                lines.pop()
            skipped = 1 if number < self.first_row_line else 0
            texts = [line.decode("utf-8", "replace").rstrip("\r") for line in lines[skipped:]]
            yield Block(number + skipped, [*_cells(texts, self._delimiter)], lines[skipped:])
            number += len(lines)
        if self._tail is not None:
            yield Block(number, [None], [self._tail])
            raise SourceError(
                f"{self.path} is damaged after line {number - 1}: {self._damage}. The rows before that place "
                "were read; fetch the file again to have the rest."
            )

    def _pieces(self) -> Iterator[bytes]:
        """Whole lines, many at a time. A damaged file ends early and leaves `_tail`, the start of a line."""
        self._tail: bytes | None = None
        self._damage = ""
        held = b""
        with self._open() as file:
            try:
                while chunk := file.read1(BLOCK_BYTES):  # type: ignore[attr-defined]
                    held += chunk
                    if len(held) >= BLOCK_BYTES and (end := held.rfind(b"\n") + 1):
                        yield held[:end]
                        held = held[end:]
                    if len(held) > LONGEST_LINE_BYTES:
                        raise SourceError(f"{self.path} has no lines; give a CSV, TSV or Parquet file.")
            except _DAMAGED as error:
                end = held.rfind(b"\n") + 1
                self._tail, self._damage, held = held[end:], str(error) or type(error).__name__, held[:end]
        if held:
            yield held

    def _open(self) -> BinaryIO:
        if self._magic[:2] == b"\x1f\x8b":
            return gzip.open(self.path)  # type: ignore[return-value]
        return self.path.open("rb")

    def _parquet_columns(self) -> list[str]:
        return [str(name) for name in self._parquet().schema_arrow.names]

    def _parquet(self) -> parquet.ParquetFile:
        try:
            return parquet.ParquetFile(self.path)
        except (pyarrow.ArrowException, OSError) as error:
            raise SourceError(f"{self.path} cannot be read as Parquet: {error}. Fetch or write it again.") from error

    def _parquet_blocks(self) -> Iterator[Block]:
        number = self.first_row_line
        try:
            for batch in self._parquet().iter_batches(batch_size=BLOCK_ROWS):
                columns = [_texts(column) for column in batch.columns]
                yield Block(number, [list(row) for row in zip(*columns, strict=True)])
                number += batch.num_rows
        except (pyarrow.ArrowException, OSError) as error:
            raise SourceError(
                f"{self.path} is damaged after row {number - 1}: {error}. Fetch or write it again."
            ) from error


def _magic(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}. Check the path.") from error
    for suffix, expected, kind in ((".gz", b"\x1f\x8b", "gzip"), (".parquet", b"PAR1", "Parquet")):
        if magic and path.suffix == suffix and not magic.startswith(expected):
            raise SourceError(f"{path} is named {suffix} but is no {kind} file. Fetch it again or rename it.")
    return magic


def _cells(lines: list[str], delimiter: str) -> list[list[str]]:
    """The cells of each line; a quote that is not closed on its line ends with it."""
    try:
        rows = list(csv.reader(lines, delimiter=delimiter))
    except csv.Error:
        rows = []
    if len(rows) == len(lines):
        return rows
    return [_line_cells(line, delimiter) for line in lines]


def _line_cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return [line]


def _texts(column: pyarrow.Array) -> list[str]:
    kind = column.type
    if pyarrow.types.is_timestamp(kind):
        column = column.cast(pyarrow.timestamp("us", tz=kind.tz), safe=False)
        return ["" if value is None else value.isoformat() for value in column.to_pylist()]
    return ["" if value is None else str(value) for value in column.to_pylist()]
