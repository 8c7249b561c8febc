"""Reads New York's speed feed in its XML form, as rows like those of the feed's other forms."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from ingest.sources.nyc_dot_xml import speed_rows
from ingest.sources.replay.tables.opening import DAMAGED, open_unpacked
from ingest.sources.replay.tables.table import BLOCK_ROWS, Block, Table
from urbanclear.errors import SourceError


class XmlTable(Table):
    """An element a row; rows count from 1. The first element names the columns."""

    def __init__(self, path: Path) -> None:
        first = next(_rows(path), None)
        if first is None:
            raise SourceError(f"{path} has no links; give a document of New York's speed feed.")
        super().__init__(path, list(first))

    def blocks(self) -> Iterator[Block]:
        rows = _rows(self.path)
        number = self.first_row_line
        while block := list(islice(rows, BLOCK_ROWS)):
            yield Block(number, [[row.get(column, "") for column in self.columns] for row in block])
            number += len(block)


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with open_unpacked(path) as file:
        try:
            yield from speed_rows(file, str(path))
        except DAMAGED as error:
            raise SourceError(f"{path} is damaged: {error}. Fetch the file again.") from error
