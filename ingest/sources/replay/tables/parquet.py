"""Reads Parquet, as rows of text like any other file's."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow
from pyarrow.parquet import ParquetFile

from ingest.sources.replay.tables.table import BLOCK_ROWS, Block, Table
from urbanclear.errors import SourceError


class ParquetTable(Table):
    """A Parquet file; rows count from 1."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, [str(name) for name in _open(path).schema_arrow.names])

    def blocks(self) -> Iterator[Block]:
        number = self.first_row_line
        try:
            for batch in _open(self.path).iter_batches(batch_size=BLOCK_ROWS):
                columns = [_texts(column) for column in batch.columns]
                yield Block(number, [list(row) for row in zip(*columns, strict=True)])
                number += batch.num_rows
        except (pyarrow.ArrowException, OSError) as error:
            raise SourceError(
                f"{self.path} is damaged after row {number - 1}: {error}. Fetch or write it again."
            ) from error


def _open(path: Path) -> ParquetFile:
    try:
        return ParquetFile(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise SourceError(f"{path} cannot be read as Parquet: {error}. Fetch or write it again.") from error


def _texts(column: pyarrow.Array) -> list[str]:
    kind = column.type
    if pyarrow.types.is_timestamp(kind):
        column = column.cast(pyarrow.timestamp("us", tz=kind.tz), safe=False)
        return ["" if value is None else value.isoformat() for value in column.to_pylist()]
    return ["" if value is None else str(value) for value in column.to_pylist()]
