"""Readings as others hand them in: a JSON object, an array of them, or one a line. What can be used is told from what
cannot, item by item, so that a bad one does not hold up the rest of its batch."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import msgspec

from schema.events import UNREADABLE, Reading, check_time, decode
from schema.retention import Retention
from urbanclear.errors import InvalidEvent
from urbanclear.settings import Settings

Check = Callable[[Reading], None]

MOST_ITEMS: Final = 100_000
#: More than that many readings have of them; what has more is not even taken apart, which would cost memory.
MOST_COMMAS: Final = 16 * MOST_ITEMS


@dataclass(frozen=True)
class Rejected:
    """The item at `index`, from 0, which cannot be used; `reason` is a dead letter's."""

    index: int
    item: bytes
    reason: str
    detail: str


@dataclass(frozen=True)
class Submitted:
    """The readings in what was handed in, and the rest."""

    readings: list[Reading] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)


def items_of_json(body: bytes) -> list[bytes]:
    """The items of a JSON array, or the one item that `body` is.

    Raises `InvalidEvent`: `undecodable`, or `too_many` for more than `MOST_ITEMS`.
    """
    if not body.strip():
        raise InvalidEvent("undecodable", "there is nothing in it")
    if not body.lstrip().startswith(b"["):
        return [body]
    if body.count(b",") > MOST_COMMAS:
        raise _too_many()
    try:
        items = msgspec.json.decode(body, type=list[msgspec.Raw])
    except UNREADABLE as error:
        raise InvalidEvent("undecodable", str(error)) from None
    return _bounded([bytes(item) for item in items])


def items_of_lines(body: bytes) -> list[bytes]:
    """The lines that are not blank; raises `InvalidEvent`: `too_many` for more than `MOST_ITEMS`."""
    if body.count(b"\n") > MOST_COMMAS:
        raise _too_many()
    return _bounded([line for line in body.split(b"\n") if line.strip()])


def sort_out(items: Iterable[bytes], check: Check) -> Submitted:
    """Tell the readings that pass `check`, which raises `InvalidEvent`, from what cannot be used."""
    submitted = Submitted()
    for index, item in enumerate(items):
        try:
            reading = decode(Reading, item)
            check(reading)
        except InvalidEvent as error:
            submitted.rejected.append(Rejected(index, item, error.reason, error.detail))
        else:
            submitted.readings.append(reading)
    return submitted


def check_by_clock(settings: Settings) -> Check:
    """The check of a reading's time that ingest makes: neither too far ahead of now, nor older than is kept."""
    now, tolerance = datetime.now(UTC), settings.future_tolerance
    oldest = Retention.of(settings).oldest_accepted(settings)
    return lambda reading: check_time(reading, now=now, oldest=oldest, future_tolerance=tolerance)


def _bounded(items: list[bytes]) -> list[bytes]:
    if len(items) > MOST_ITEMS:
        raise _too_many()
    return items


def _too_many() -> InvalidEvent:
    return InvalidEvent("too_many", f"more than {MOST_ITEMS} items; send them in parts")
