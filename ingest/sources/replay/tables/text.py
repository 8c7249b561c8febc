"""Reads CSV and TSV. A row is a line: a stray quote spoils one row, never the rest of the file."""

import csv
from codecs import BOM_UTF8
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ingest.sources.replay.formats import is_headless
from ingest.sources.replay.tables.lines import Lines
from ingest.sources.replay.tables.table import Block, Table
from urbanclear.errors import InvalidEvent, SourceError

NOT_UTF8: Final = InvalidEvent("undecodable", "the row is not UTF-8: save the file as UTF-8")


class TextTable(Table):
    """Lines of cells with commas or tabs between them."""

    def __init__(self, path: Path) -> None:
        line = _first_line(path)
        self._delimiter = "\t" if "\t" in line else ","
        [names] = cells([line], self._delimiter)
        first_row = [cell.strip() for cell in names]
        self._headless = is_headless(first_row)
        super().__init__(path, first_row, list(map(str, range(len(first_row)))) if self._headless else None)

    @property
    def first_row_line(self) -> int:
        return 1 if self._headless else 2

    def blocks(self) -> Iterator[Block]:
        lines = Lines(self.path)
        number = 1
        for piece in lines.pieces():
            skipped = 1 if number < self.first_row_line else 0
            rows = _rows(piece[skipped:], self._delimiter)
            yield Block(number + skipped, rows, piece[skipped:], none_is=NOT_UTF8)
            number += len(piece)
        yield from lines.broken_end()


def _first_line(path: Path) -> str:
    lines = Lines(path)
    [first, *_] = next(lines.pieces(), [b""])
    if lines.damage is not None and not first:
        raise SourceError(f"{path} is damaged from its start: {lines.damage}. Fetch the file again.")
    text = _text(first.removeprefix(BOM_UTF8))
    if text is None or "\0" in text:  # every other byte of UTF-16 is 0
        raise SourceError(f"{path} is not UTF-8: save it as UTF-8.")
    if not text.strip():
        raise SourceError(f"{path} is empty; give a file that has a line of column names and rows.")
    return text


def _text(line: bytes) -> str | None:
    """The text of a line, None of one that is not UTF-8."""
    try:
        return line.decode().rstrip("\r")
    except UnicodeDecodeError:
        return None


def _rows(lines: list[bytes], delimiter: str) -> list[list[str] | None]:
    """The cells of each line, None of one that is not UTF-8."""
    texts = list(map(_text, lines))
    rows = cells([text or "" for text in texts], delimiter)
    return [None if text is None else row for text, row in zip(texts, rows, strict=True)]


def cells(lines: list[str], delimiter: str) -> list[list[str]]:
    """The cells of each line; a quote that is not closed on its line ends with it."""
    try:
        rows = list(csv.reader(lines, delimiter=delimiter))
    except csv.Error:
        rows = []
    if len(rows) == len(lines):
        return rows
    return [_linecells(line, delimiter) for line in lines]


def _linecells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return [line]
