"""The lines of a file, many at a time, and where it breaks off when it is damaged."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ingest.sources.replay.tables.opening import DAMAGED, open_unpacked
from ingest.sources.replay.tables.table import Block
from urbanclear.errors import SourceError

BLOCK_BYTES: Final = 256 * 1024
LONGEST_LINE_BYTES: Final = 16 * 1024 * 1024


class Lines:
    """Reads a file by `pieces` of whole lines. A damaged one ends early; `damage` then says how."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0
        self._tail = b""
        self.damage: str | None = None

    def pieces(self) -> Iterator[list[bytes]]:
        """The lines, without their ends."""
        for piece in self._bytes():
            lines = piece.split(b"\n")
            if not lines[-1]:
                lines.pop()
            self._read += len(lines)
            yield lines

    def broken_end(self) -> Iterator[Block]:
        """Of a damaged file the start of the line it broke off in, then `SourceError`; of others nothing."""
        if self.damage is None:
            return
        yield Block(self._read + 1, [None], [self._tail])
        raise SourceError(
            f"{self._path} is damaged after line {self._read}: {self.damage}. The rows before that place "
            "were read; fetch the file again to have the rest."
        )

    def _bytes(self) -> Iterator[bytes]:
        """Whole lines; `_tail` is then the start of the one that a damaged file breaks off in."""
        held = b""
        with open_unpacked(self._path) as file:
            try:
                while chunk := file.read1(BLOCK_BYTES):  # type: ignore[attr-defined]
                    held += chunk
                    if len(held) >= BLOCK_BYTES and (end := held.rfind(b"\n") + 1):
                        yield held[:end]
                        held = held[end:]
                    if len(held) > LONGEST_LINE_BYTES:
                        raise SourceError(f"{self._path} has no lines; give a file of rows, such as CSV.")
            except DAMAGED as error:
                end = held.rfind(b"\n") + 1
                self._tail, self.damage, held = held[end:], str(error) or type(error).__name__, held[:end]
        if held:
            yield held
