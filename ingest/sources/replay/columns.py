"""What the readers of a file's layouts give: a block's observations, by columns of sensors, times and measures.

Working by columns is what makes reading fast: a stamp or a sensor that repeats is read once. A cell that cannot be
read becomes the `InvalidEvent` that says why, in its place; what comes of its row is decided in `rows.py`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from ingest.sources.replay.tables import Block
from urbanclear.errors import InvalidEvent

T = TypeVar("T")


@dataclass(frozen=True)
class Columns:
    """The observations of a block, one entry each. `rows` says from which row each is."""

    block: Block
    sensors: Sequence[str | InvalidEvent]
    times: Sequence[datetime | InvalidEvent]
    no_data: Sequence[bool | InvalidEvent]
    measures: dict[str, Sequence[float | InvalidEvent | None]]
    rows: Sequence[int]
    names: Sequence[str] | None = None
    unusable: list[tuple[int, InvalidEvent]] = field(default_factory=list)  # rows that have no columns, and why


class Memo(dict[str, T | InvalidEvent], Generic[T]):
    """What each text means, read once."""

    def __init__(self, read: Callable[[str], T]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, text: str) -> T | InvalidEvent:
        try:
            value: T | InvalidEvent = self._read(text)
        except InvalidEvent as error:
            value = error
        self[text] = value
        return value


def number(text: str) -> float | None:
    """The number in a cell, None where it is empty or NaN."""
    stripped = text.strip()
    if not stripped:
        return None
    try:
        value = float(stripped)
    except ValueError:
        raise InvalidEvent("bad_number", f"{text[:40]!r} is no number") from None
    if value in (float("inf"), float("-inf")):
        raise InvalidEvent("bad_number", f"{text[:40]!r} is not finite")
    return None if value != value else value
