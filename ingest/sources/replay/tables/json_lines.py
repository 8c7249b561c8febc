"""Reads what Kafka carries, written down a message a line: a JSON object of one reading, or an array of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from ingest.sources.replay.tables.lines import Lines
from ingest.sources.replay.tables.table import Block, Table
from schema.events import UNREADABLE, Reading
from urbanclear.errors import InvalidEvent, SourceError

COLUMNS: Final = list(Reading.__struct_fields__)
NO_OBJECT: Final = InvalidEvent("undecodable", "it is no JSON object")
_array: Final = msgspec.json.Decoder(list[msgspec.Raw])
_object: Final = msgspec.json.Decoder(dict[str, object])


class JsonLinesTable(Table):
    """A row is a reading. One of an array stands on its message's line."""

    def __init__(self, path: Path) -> None:
        pieces = Lines(path).pieces()
        values = (value for piece in pieces for line in piece for value in _values(line))
        first = next(filter(None, map(_fields, values)), None)
        if first is None:
            raise SourceError(f"{path} begins like JSON but has no object a line; give a file with a message a line.")
        super().__init__(path, COLUMNS if "sensor" in first else list(first))

    def blocks(self) -> Iterator[Block]:
        lines = Lines(self.path)
        number = 1
        for piece in lines.pieces():
            found = [(number + at, value) for at, line in enumerate(piece) for value in _values(line)]
            values = [value for _, value in found]
            yield Block(
                first_line=number,
                rows=list(map(_row, values)),
                lines=values,
                numbers=[at for at, _ in found],
                none_is=NO_OBJECT,
            )
            number += len(piece)
        yield from lines.broken_end()


def _values(line: bytes) -> list[bytes]:
    """What a line holds: the elements of its array, else itself; of an empty line nothing."""
    stripped = line.strip()
    if not stripped.startswith(b"["):
        return [stripped] if stripped else []
    try:
        return list(map(bytes, _array.decode(stripped)))
    except UNREADABLE:
        return [stripped]


def _fields(value: bytes) -> dict[str, object] | None:
    try:
        return _object.decode(value)
    except UNREADABLE:
        return None


def _row(value: bytes) -> list[str] | None:
    fields = _fields(value)
    return None if fields is None else [_text(fields.get(name)) for name in COLUMNS]


def _text(value: object) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return msgspec.json.encode(value).decode()
