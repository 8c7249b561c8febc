"""Reads a document that is a table, whichever of its forms came: JSON objects, CSV, TSV, or New York's XML.

What it is is told by its first character, since servers call these forms by many media types. Names of columns are
compared by `canonical`, so that `CRASH DATE`, `crash_date` and `CrashDate` are one.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence, Set
from io import BytesIO, StringIO
from typing import NamedTuple

import msgspec

from ingest.sources.live.feed import Document
from ingest.sources.live.json_document import read
from ingest.sources.nyc_dot_xml import speed_rows
from ingest.sources.replay.format import canonical
from ingest.sources.replay.tables.text import cells
from urbanclear.errors import FeedChanged, SourceError


class Record(NamedTuple):
    """A row: its texts by canonical column name, and its bytes for a letter.

    A cell that is not there and an empty one are the same. A row that is not as wide as its table has no cells.
    """

    cells: Mapping[str, str]
    raw: bytes


def records(document: Document, *required: Set[str]) -> list[Record]:
    """All rows; raises `FeedChanged` where there is no table, or none of some `required` columns."""
    start = document.body.lstrip()[:1]
    if start in (b"[", b"{"):
        found = list(_of_json(document))
    elif start == b"<":
        found = list(_of_xml(document))
    else:
        return _of_lines(document, required)
    if found:
        _check_columns(document, {column for record in found for column in record.cells}, required)
    return found


def _of_json(document: Document) -> Iterator[Record]:
    for row in read(document, list[dict[str, object]], "array of objects"):
        texts = {canonical(name): _text(value) for name, value in row.items()}
        yield Record(texts, msgspec.json.encode(row))


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _of_xml(document: Document) -> Iterator[Record]:
    try:
        rows = list(speed_rows(BytesIO(document.body), document.url))
    except SourceError as error:
        raise FeedChanged(str(error)) from error
    if not rows:
        raise FeedChanged(f"{document.url} is XML without a link's speed: its form has changed.")
    for row in rows:
        yield Record({canonical(name): value for name, value in row.items()}, msgspec.json.encode(row))


def _of_lines(document: Document, required: Sequence[Set[str]]) -> list[Record]:
    text = document.body.decode("utf-8-sig", "replace")
    first = text.partition("\n")[0]
    delimiter = "\t" if "\t" in first else ","
    columns = [canonical(column) for column in cells([first.rstrip("\r")], delimiter)[0]] if first.strip() else []
    _check_columns(document, set(columns), required)
    return [_of_row(columns, row) for row in _rows(text, delimiter, len(columns))[1:] if row]


def _rows(text: str, delimiter: str, width: int) -> list[list[str]]:
    """The rows, some of which may go over several lines; a row a line where that leads to rows of other widths."""
    try:
        rows = list(csv.reader(StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error:
        rows = [[]]
    if all(len(row) in (0, width) for row in rows):
        return rows
    return cells(text.splitlines(), delimiter)


def _of_row(columns: list[str], row: list[str]) -> Record:
    raw = StringIO()
    csv.writer(raw, lineterminator="").writerow(row)
    whole = len(row) == len(columns)
    return Record(dict(zip(columns, row, strict=True)) if whole else {}, raw.getvalue().encode())


def _check_columns(document: Document, columns: Set[str], required: Sequence[Set[str]]) -> None:
    missing = [" or ".join(sorted(names)) for names in required if not names & columns]
    if missing:
        raise FeedChanged(f"{document.url} has no column {', '.join(missing)}: its form has changed.")
