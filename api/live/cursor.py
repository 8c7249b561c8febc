"""Where a client is in a topic: the next offset of each Kafka partition, as text that means nothing to others.

It is good in any API process on the same Kafka, and after a restart.
"""

import base64
import binascii
from collections.abc import Mapping

import msgspec

Position = Mapping[int, int]
MOST_CHARACTERS = 4_096


def encode_cursor(topic: str, position: Position) -> str:
    """The cursor of a position in a topic."""
    raw = msgspec.json.encode([topic, sorted(position.items())])
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decode_cursor(topic: str, cursor: str) -> dict[int, int]:
    """The position; raises `ValueError` for what is no cursor of this topic."""
    try:
        raw = base64.b64decode(cursor[:MOST_CHARACTERS] + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        name, places = msgspec.json.decode(raw, type=tuple[str, list[tuple[int, int]]])
    except (binascii.Error, ValueError, RecursionError):
        raise ValueError("this is no cursor: say the `cursor` of a message") from None
    if name != topic:
        raise ValueError(f"this is a cursor of {name[:50]}, not of {topic}")
    return dict(places)
