"""Reads JSON documents that nothing is taken on trust of: the outer shape at once, each element by itself.

So an element that is garbled costs none of its neighbours, and keeps its own bytes for a letter.
"""

from codecs import BOM_UTF8
from collections.abc import Mapping
from typing import TypeVar

import msgspec

from ingest.sources.live.feed import Document
from schema.events import UNREADABLE
from urbanclear.errors import FeedChanged, InvalidEvent

T = TypeVar("T")


def read(document: Document, shape: type[T], name: str) -> T:
    """The document; raises `FeedChanged` where it has not the `shape` of `name`."""
    try:
        return msgspec.json.decode(document.body.removeprefix(BOM_UTF8), type=shape)
    except UNREADABLE as error:
        raise FeedChanged(f"{document.url} is no {name} ({error}): look at what it answers.") from None


def fields(element: msgspec.Raw) -> Mapping[str, object]:
    """An element's members; raises `InvalidEvent`."""
    try:
        return msgspec.json.decode(element, type=dict[str, object])
    except UNREADABLE as error:
        raise InvalidEvent("undecodable", str(error)) from None


def text(value: object) -> str:
    """A string, or a number as one; empty where there is neither."""
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def count(value: object) -> int | None:
    """A number of things, be it a number or a string of digits."""
    digits = text(value)
    return int(digits) if len(digits) < 10 and digits.isascii() and digits.isdigit() else None


def objects(value: object) -> list[Mapping[str, object]]:
    """The objects in an array; none where it is no array."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def member(value: object, name: str) -> object:
    """A member of an object; None where there is none."""
    return value.get(name) if isinstance(value, dict) else None
