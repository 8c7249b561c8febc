"""What commands print for programs: JSON with times in UTC, as the API writes them."""

import json
from datetime import UTC, datetime


def json_text(found: object) -> str:
    """`found` as JSON; times are RFC 3339 and end in Z."""
    return json.dumps(found, indent=2, default=_text)


def _text(value: object) -> str:
    if not isinstance(value, datetime):
        raise TypeError(f"{type(value).__name__} cannot be written as JSON")
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
