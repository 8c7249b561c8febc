"""What can be said of every question: the form of the answer, its page, its fields, its time zone."""

import base64
import binascii
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo, available_timezones

import msgspec
from fastapi import Depends, Header, HTTPException, Query, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from sqlalchemy import ColumnElement
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from api.http.problems import bad_parameter

DEFAULT_LIMIT: Final = 1_000
MOST: Final = 10_000


class Form(Enum):
    """How an answer is written; its value is the media type."""

    JSON = "application/json"
    GEOJSON = "application/geo+json"
    CSV = "text/csv"
    PARQUET = "application/vnd.apache.parquet"
    ARROW = "application/vnd.apache.arrow.stream"


STREAMED: Final = (Form.CSV, Form.PARQUET, Form.ARROW)


@dataclass(frozen=True)
class Page:
    """Which rows: up to `limit`, or all for None in a form that is streamed, from `cursor` on."""

    limit: int | None
    cursor: str | None


@dataclass(frozen=True)
class Asked:
    """What a request says of its answer."""

    accept: str
    page: Page
    fields: tuple[str, ...] | None
    zone: ZoneInfo | None
    if_none_match: str

    def form(self, *others: Form, streamed: Sequence[Form] = STREAMED) -> Form:
        """The form liked best of JSON, those that are streamed, and `others`; raises 406 where none will do."""
        offered = [Form.JSON, *others, *streamed]
        best = parse_accept_header(self.accept or "*/*", MIMEAccept).best_match([form.value for form in offered])
        if best is None:
            known = ", ".join(form.value for form in offered)
            raise HTTPException(406, f"Accept: {self.accept[:200]} cannot be met: ask for one of {known}.")
        return Form(best)


Accept = Annotated[str, Header(include_in_schema=False)]
Limit = Annotated[
    int | None,
    Query(
        ge=1,
        le=MOST,
        description=f"most rows of a page, {DEFAULT_LIMIT:,} where not said; CSV, Parquet and Arrow have all rows "
        "where not said",
        examples=[100],
    ),
]
Cursor = Annotated[
    str | None, Query(max_length=2_000, description="`next` of the page before; other parameters stay as they were")
]
Fields = Annotated[
    str | None,
    Query(max_length=1_000, description="names of the fields wanted, with commas between"),
]
Zone = Annotated[
    str | None,
    Query(
        alias="tz",
        max_length=64,
        description="time zone of the times in a JSON answer, of the IANA database; UTC where not said",
        examples=["America/New_York"],
    ),
]


async def _asked(
    accept: Accept = "*/*",
    limit: Limit = None,
    cursor: Cursor = None,
    fields: Fields = None,
    zone: Zone = None,
    if_none_match: Annotated[str, Header(include_in_schema=False)] = "",
) -> Asked:
    names = None if fields is None else tuple(name.strip() for name in fields.split(",") if name.strip())
    if names == ():
        raise bad_parameter("fields", "it names no field")
    return Asked(accept, Page(limit, cursor), names, _zone(zone), if_none_match)


async def _asked_one(
    accept: Accept = "*/*",
    fields: Fields = None,
    zone: Zone = None,
    if_none_match: Annotated[str, Header(include_in_schema=False)] = "",
) -> Asked:
    return await _asked(accept=accept, fields=fields, zone=zone, if_none_match=if_none_match)


async def _asked_whole(
    accept: Accept = "*/*",
    zone: Zone = None,
    if_none_match: Annotated[str, Header(include_in_schema=False)] = "",
) -> Asked:
    return await _asked(accept=accept, zone=zone, if_none_match=if_none_match)


def _zone(name: str | None) -> ZoneInfo | None:
    if name is None:
        return None
    if name not in available_timezones():
        raise bad_parameter("tz", f"{name!r} is no time zone: say one of the IANA database, such as Europe/Berlin")
    return ZoneInfo(name)


AskedDep = Annotated[Asked, Depends(_asked)]
AskedOneDep = Annotated[Asked, Depends(_asked_one)]
#: Of an answer whose fields belong together.
AskedWholeDep = Annotated[Asked, Depends(_asked_whole)]


async def only_known_parameters(request: Request) -> None:
    """Refuse a query parameter that the route does not have: a misspelt filter would give an answer that misleads."""
    if not request.query_params:
        return
    route: APIRoute = request.scope["route"]
    if route.endpoint not in _known:
        _known[route.endpoint] = list(dict.fromkeys(_aliases(route.dependant)))
    known = _known[route.endpoint]
    for name in request.query_params:
        if name not in known:
            raise bad_parameter(name[:100], f"there is no such parameter; there are {', '.join(known) or 'none'}")


_known: dict[Callable[..., Any], list[str]] = {}


def _aliases(dependant: Dependant) -> Iterator[str]:
    yield from (field.alias for field in dependant.query_params)
    for inner in dependant.dependencies:
        yield from _aliases(inner)


def encode_cursor(name: str, values: Sequence[object]) -> str:
    """The place after a row of the list `name` whose key is `values`, as text that means nothing to others."""
    return base64.urlsafe_b64encode(msgspec.json.encode([name, *values])).decode().rstrip("=")


def decode_cursor(cursor: str, name: str, key: Sequence[ColumnElement[Any]], *, said: str = "next") -> list[Any]:
    """The values in `cursor`, each of its column's type.

    Raises the problem of one that is not of the list `name`; `said` is where the right one is found.
    """
    wrong = bad_parameter("cursor", f"it is none of this list: say `{said}` of the page before")
    kinds = (str, *(column.type.python_type for column in key))
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        found, *values = list[Any](msgspec.json.decode(raw, type=tuple.__class_getitem__(kinds)))
    except (binascii.Error, ValueError, RecursionError):
        raise wrong from None
    if found != name or any(isinstance(value, str) and "\x00" in value for value in values):
        raise wrong
    return values
