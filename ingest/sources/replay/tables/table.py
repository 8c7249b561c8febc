"""What rows are to their readers: named columns, and blocks of rows of text, each with its place in its file."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from urbanclear.errors import InvalidEvent

BLOCK_ROWS: Final = 4_096
TRUNCATED: Final = InvalidEvent("truncated", "the file breaks off in this row")


@dataclass(frozen=True)
class Block:
    """Consecutive rows. `lines` are the bytes they came from, `numbers` their lines where those do not count up.

    A row None has no cells, because of what `none_is` says.
    """

    first_line: int
    rows: list[list[str] | None]
    lines: Sequence[bytes] | None = None
    numbers: Sequence[int] | None = None
    none_is: InvalidEvent = TRUNCATED

    def line(self, row: int) -> int:
        """Where a row stands in its file, counted from 1."""
        return self.first_line + row if self.numbers is None else self.numbers[row]

    def raw(self, row: int) -> bytes:
        """The bytes of a row; of a file that has no lines, the row as a line of CSV."""
        if self.lines is not None:
            return self.lines[row]
        return ",".join(self.rows[row] or []).encode()


class Rows(Protocol):
    """Rows under named columns, wherever they are from."""

    @property
    def columns(self) -> list[str]:
        """The columns' names."""

    @property
    def first_row_line(self) -> int:
        """The line of the first row of values."""

    def blocks(self) -> Iterator[Block]:
        """All rows."""


class Table(ABC):
    """A file of rows. Opening it reads its column names, `blocks` its rows, as often as asked.

    `first_row` is what stands where column names do; where those are missing it is the first row of values already,
    and `columns` are numbers.
    """

    def __init__(self, path: Path, first_row: list[str], columns: list[str] | None = None) -> None:
        self.path = path
        self.first_row = first_row
        self.columns = first_row if columns is None else columns

    @abstractmethod
    def blocks(self) -> Iterator[Block]:
        """All rows. Raises `SourceError` at the place where the file is damaged, after the rows before it."""

    @property
    def first_row_line(self) -> int:
        """The line of the first row of values."""
        return 1
