"""Dead letters as text: what was rejected may be anything, so that nothing of it reaches a terminal as it is."""

from contextlib import suppress
from typing import Final

import msgspec

from schema.dead_letters import Letter, Listing
from schema.events import UNREADABLE

EXCERPT_CHARACTERS: Final = 60
BYTES_IN_LINE: Final = 32


def plain(text: str) -> str:
    """The text with everything but printable characters and new lines escaped."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


def whole(value: bytes) -> str:
    """JSON over several lines, other text as it is, anything else in hexadecimal."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return "\n".join(
            value[start : start + BYTES_IN_LINE].hex(" ") for start in range(0, len(value), BYTES_IN_LINE)
        )
    with suppress(*UNREADABLE):
        text = msgspec.json.format(text)
    return plain(text)


def excerpt(value: bytes) -> str:
    """How it begins, in a line."""
    text = plain(value.decode(errors="replace").replace("\n", " "))
    return text if len(text) <= EXCERPT_CHARACTERS else text[: EXCERPT_CHARACTERS - 1] + "…"


def builtins_of(letter: Letter) -> dict[str, object]:
    """For programs: `value` where it is text, else `value_hex`."""
    told: dict[str, object] = {
        "id": str(letter.id),
        "time": letter.time.isoformat(),
        "reason": letter.reason,
        "detail": letter.detail,
        "origin": letter.origin,
    }
    try:
        return {**told, "value": letter.value.decode()}
    except UnicodeDecodeError:
        return {**told, "value_hex": letter.value.hex()}


def listing_builtins(listing: Listing) -> dict[str, object]:
    """For programs: the letters with the beginning of their values, and the counts."""
    return {
        "letters": [
            {key: value for key, value in builtins_of(letter).items() if not key.startswith("value")}
            | {"begins": letter.value.decode(errors="replace")}
            for letter in listing.letters
        ],
        "reasons": dict(listing.reasons),
        "total": listing.reasons.total(),
    }
