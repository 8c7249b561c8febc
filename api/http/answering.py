"""Rows become an answer: a page of JSON, asked for again at little cost, or a stream of any size in flat memory."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from hashlib import blake2b
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from fastapi import HTTPException, Response
from fastapi.responses import StreamingResponse
from sqlalchemy import ColumnElement, Row, Select, literal, tuple_

from api.database import Database, at_most
from api.http.asking import DEFAULT_LIMIT, Asked, Form, decode_cursor, encode_cursor
from api.http.shapes import Shape, Told
from api.http.streams import encode_stream

#: How long an answer may be used again without asking: what is live is always asked for again.
LIVE: Final = "private, no-cache"
SETTLED: Final = "private, max-age=60"
VARY: Final = "Accept, Authorization"


@dataclass(frozen=True)
class Listing:
    """A question: rows of `shape` from `statement`, in the order of `key`, whose values no two rows share."""

    shape: Shape
    statement: Select[Any]
    key: tuple[ColumnElement[Any], ...]
    descending: bool = False
    cache: str = LIVE
    extra: Mapping[str, object] = field(default_factory=dict)


async def answer_list(asked: Asked, database: Database, listing: Listing) -> Response:
    """The listing in the form that was asked for."""
    form = asked.form()
    chosen = listing.shape.chosen(asked.fields)
    if form is not Form.JSON:
        return await _streamed(asked, database, listing, chosen, form)
    limit = asked.page.limit or DEFAULT_LIMIT
    rows = await database.tuples(_statement(listing, chosen, asked, limit + 1, with_key=True))
    shown = rows[:limit]
    following = encode_cursor(listing.shape.name, shown[-1][len(chosen) :]) if len(rows) > limit else None
    content = {"items": told_rows(shown, chosen, asked.zone), "next": following, **listing.extra}
    return answer_json(asked, content, cache=listing.cache)


async def answer_one(asked: Asked, database: Database, listing: Listing, missing: str) -> Response:
    """The one row of the listing; 404 with `missing` where there is none."""
    asked.form(streamed=())
    chosen = listing.shape.chosen(asked.fields)
    rows = await database.tuples(
        listing.statement.with_only_columns(*[told.label for told in chosen], maintain_column_froms=True)
    )
    if not rows:
        raise HTTPException(404, missing)
    return answer_json(asked, items_of(rows[:1], chosen, asked.zone)[0], cache=listing.cache)


def answer_json(asked: Asked, content: object, *, cache: str, form: Form = Form.JSON) -> Response:
    """`content`, or 304 where the asker says that it has the same already (RFC 9110, 13.1.2)."""
    body = msgspec.json.encode(content)
    etag = f'W/"{blake2b(body, digest_size=12).hexdigest()}"'
    headers = {"ETag": etag, "Cache-Control": cache, "Vary": VARY}
    if etag in [known.strip() for known in asked.if_none_match.split(",")] or asked.if_none_match.strip() == "*":
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=form.value)


def told_rows(rows: Sequence[Row[Any]], chosen: Sequence[Told], zone: ZoneInfo | None) -> list[Any]:
    """As `items_of`, for what is only encoded: structs take a tenth of the time of mappings."""
    names = tuple(f"{told.name}" for told in chosen)  # SQLAlchemy's names are of a class of their own
    if zone is not None or any(not name.isidentifier() for name in names):
        return items_of(rows, chosen, zone)
    make, count = _struct_of(names), len(names)
    return [make(*row[:count]) for row in rows]


@cache
def _struct_of(names: tuple[str, ...]) -> type[msgspec.Struct]:
    return msgspec.defstruct("Row", names, gc=False)


def items_of(rows: Sequence[Row[Any]], chosen: Sequence[Told], zone: ZoneInfo | None) -> list[dict[str, Any]]:
    """The rows by field, times in `zone`; what a row has beyond the fields is left out."""
    names = [told.name for told in chosen]
    items = [dict(zip(names, row, strict=False)) for row in rows]
    times = [told.name for told in chosen if told.python_type is datetime] if zone else []
    for item in items:
        for name in times:
            if item[name] is not None:
                item[name] = item[name].astimezone(zone)
    return items


def _statement(
    listing: Listing, chosen: Sequence[Told], asked: Asked, limit: int | None, *, with_key: bool = False
) -> Select[Any]:
    """In order, except where all of it is streamed: to sort millions of rows would take memory and time."""
    keys = [column.label(f"_key{number}") for number, column in enumerate(listing.key)] if with_key else []
    if chosen is listing.shape.fields:
        statement = listing.statement.add_columns(*keys)
    else:
        columns = [*[told.label for told in chosen], *keys]
        statement = listing.statement.with_only_columns(*columns, maintain_column_froms=True)
    if asked.page.cursor is not None:
        after = decode_cursor(asked.page.cursor, listing.shape.name, listing.key)
        values = tuple_(*[literal(value, column.type) for value, column in zip(after, listing.key, strict=True)])
        place = tuple_(*listing.key)
        statement = statement.where(place < values if listing.descending else place > values)
    if limit is None and asked.page.cursor is None:
        return statement
    order = [column.desc() if listing.descending else column for column in listing.key]
    statement = statement.order_by(None).order_by(*order)
    return statement if limit is None else statement.limit(at_most(limit))


async def _streamed(
    asked: Asked, database: Database, listing: Listing, chosen: Sequence[Told], form: Form
) -> Response:
    statement = _statement(listing, chosen, asked, asked.page.limit)
    batches = database.batches(statement)
    try:
        first = await anext(batches)  # what goes wrong with the question is still told by the status
    except StopAsyncIteration:
        first = []
    stream = encode_stream(_all(first, batches), chosen, form)
    name = f"{listing.shape.name}.{_ENDINGS[form]}".lower()
    headers = {
        "Cache-Control": "private, no-store",
        "Vary": VARY,
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    return StreamingResponse(stream, headers=headers, media_type=form.value)


_ENDINGS: Final = {Form.CSV: "csv", Form.PARQUET: "parquet", Form.ARROW: "arrows"}


async def _all(
    first: Sequence[Row[Any]], rest: AsyncIterator[Sequence[Row[Any]]]
) -> AsyncIterator[Sequence[Row[Any]]]:
    if first:
        yield first
    async for batch in rest:
        yield batch
