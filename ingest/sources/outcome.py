"""What a part of a source's input can be besides an event: no observation, or nothing that can be used."""

from typing import NamedTuple


class Refused(NamedTuple):
    """The source itself says that there is no observation."""

    reason: str


class Rejected(NamedTuple):
    """A part of the input, a row or an element, that cannot be used; it goes to the dead letters."""

    origin: str
    row: bytes
    reason: str
    detail: str = ""
