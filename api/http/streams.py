"""Rows written as CSV, Parquet or Arrow IPC, batch by batch: memory holds one batch, however many there are.

Encoding is done beside the event loop, so that a long export does not hold up short answers.
"""

import asyncio
import io
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
from sqlalchemy import Row

from api.http.asking import Form
from api.http.shapes import Told

ROW_GROUP: Final = 50_000
_RFC3339: Final = "%Y-%m-%dT%H:%M:%SZ"


async def encode_stream(
    batches: AsyncIterator[Sequence[Row[Any]]], fields: Sequence[Told], form: Form
) -> AsyncIterator[bytes]:
    """The bytes of all rows in `form`, one of CSV, Parquet and Arrow."""
    schema = pa.schema([(told.name, told.arrow_type) for told in fields])
    writer = _WRITERS[form](schema)
    async for rows in batches:
        written = await asyncio.to_thread(_write, writer, rows, fields, schema)
        if written:
            yield written
    yield await asyncio.to_thread(writer.close)


class _Writer:
    """Gathers what pyarrow writes until it is taken."""

    def __init__(self, schema: pa.Schema) -> None:
        self._sink = io.BytesIO()
        self._schema = schema
        self._taken = 0
        self._out = self._open()

    def _open(self) -> Any:
        return pa.ipc.new_stream(_Pass(self._sink), self._schema)

    def write(self, batch: pa.RecordBatch) -> bytes:
        self._out.write_batch(batch)
        return self._take()

    def close(self) -> bytes:
        self._out.close()
        return self._take()

    def _take(self) -> bytes:
        written = self._sink.getvalue()
        self._sink.seek(0)
        self._sink.truncate()
        return written


class _Pass(io.RawIOBase):
    """A file whose place only grows, as Parquet's footer needs it, while its bytes are taken away."""

    def __init__(self, sink: io.BytesIO) -> None:
        self._sink = sink
        self._place = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._sink.write(data)
        self._place += len(data)
        return len(data)

    def tell(self) -> int:
        return self._place


class _ParquetWriter(_Writer):
    """Row groups large enough to be read well."""

    def _open(self) -> Any:
        self._waiting: list[pa.RecordBatch] = []
        self._rows = 0
        return pa.parquet.ParquetWriter(_Pass(self._sink), self._schema, compression="zstd")

    def write(self, batch: pa.RecordBatch) -> bytes:
        self._waiting.append(batch)
        self._rows += batch.num_rows
        if self._rows >= ROW_GROUP:
            self._flush()
        return self._take()

    def close(self) -> bytes:
        self._flush()
        return super().close()

    def _flush(self) -> None:
        if self._waiting:
            self._out.write_table(pa.Table.from_batches(self._waiting, self._schema))
        self._waiting, self._rows = [], 0


class _CsvWriter(_Writer):
    """RFC 4180, with a header; times as RFC 3339, lists with semicolons between."""

    def _open(self) -> Any:
        self._text = pa.schema([(field.name, _as_text_type(field.type)) for field in self._schema])
        return pa.csv.CSVWriter(_Pass(self._sink), self._text)

    def write(self, batch: pa.RecordBatch) -> bytes:
        columns = [_as_text(column) for column in batch.columns]
        return super().write(pa.RecordBatch.from_arrays(columns, schema=self._text))


def _as_text_type(kind: pa.DataType) -> pa.DataType:
    return pa.string() if pa.types.is_timestamp(kind) or pa.types.is_list(kind) else kind


def _as_text(column: pa.Array) -> pa.Array:
    if pa.types.is_timestamp(column.type):
        seconds = pc.strftime(pc.cast(column, pa.timestamp("s", "UTC"), safe=False), _RFC3339)
        whole = pc.equal(pc.subsecond(column), 0)
        return pc.if_else(whole, seconds, pc.strftime(column, _RFC3339))
    if pa.types.is_list(column.type):
        texts = pc.cast(column, pa.list_(pa.string()))
        return pc.binary_join(texts, ";")
    return column


_WRITERS: Final[dict[Form, type[_Writer]]] = {
    Form.CSV: _CsvWriter,
    Form.PARQUET: _ParquetWriter,
    Form.ARROW: _Writer,
}


def _write(writer: _Writer, rows: Sequence[Row[Any]], fields: Sequence[Told], schema: pa.Schema) -> bytes:
    columns = [
        pa.array(_plain(values, told), schema.field(told.name).type)
        for told, values in zip(fields, zip(*rows, strict=True), strict=True)
    ]
    return writer.write(pa.RecordBatch.from_arrays(columns, schema=schema))


def _plain(values: Sequence[Any], told: Told) -> Sequence[Any]:
    if told.python_type == dict[str, Any]:
        return [None if value is None else msgspec.json.encode(value).decode() for value in values]
    return values
