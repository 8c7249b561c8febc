"""Reads CSV and TSV. A row is a line: a stray quote spoils one row, never the rest of the file."""

import csv
from collections.abc import Iterator
from pathlib import Path

from ingest.sources.replay.formats import is_headless
from ingest.sources.replay.tables.lines import Lines
from ingest.sources.replay.tables.table import Block, Table
from urbanclear.errors import SourceError


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
            texts = [line.decode("utf-8", "replace").rstrip("\r") for line in piece[skipped:]]
            yield Block(number + skipped, [*cells(texts, self._delimiter)], piece[skipped:])
            number += len(piece)
        yield from lines.broken_end()


def _first_line(path: Path) -> str:
    lines = Lines(path)
    first = next(lines.pieces(), [b""])[0].decode("utf-8-sig", "replace").rstrip("\r")
    if lines.damage is not None and not first:
        raise SourceError(f"{path} is damaged from its start: {lines.damage}. Fetch the file again.")
    if not first.strip():
        raise SourceError(f"{path} is empty; give a file that has a line of column names and rows.")
    return first


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
