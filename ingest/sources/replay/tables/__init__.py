"""Files of rows under named columns, whatever their form: lines of text, Parquet, JSON lines or XML."""

from pathlib import Path

from ingest.sources.replay.tables.json_lines import JsonLinesTable
from ingest.sources.replay.tables.opening import first_bytes
from ingest.sources.replay.tables.parquet import ParquetTable
from ingest.sources.replay.tables.table import Block, Rows, Table
from ingest.sources.replay.tables.text import TextTable
from ingest.sources.replay.tables.xml import XmlTable

__all__ = ["Block", "Rows", "Table", "open_table"]


def open_table(path: Path) -> Table:
    """The file at `path`, in the form that its first bytes tell; raises `SourceError` when it cannot be read."""
    begins = first_bytes(path)
    if begins.startswith(b"PAR1"):
        return ParquetTable(path)
    text = begins.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"<"):
        return XmlTable(path)
    if text.startswith((b"{", b"[")):
        return JsonLinesTable(path)
    return TextTable(path)
