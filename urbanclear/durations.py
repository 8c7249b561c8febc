"""Durations as people write them: `7d`, `12h`, `5m`, `10s`."""

import re
from datetime import timedelta
from typing import Final

from urbanclear.errors import ConfigurationError

_UNITS: Final = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


def read_duration(value: object) -> object:
    """For models of pydantic: text as the duration it says, anything else as it is; raises `ValueError`."""
    if not isinstance(value, str):
        return value
    try:
        return parse_duration(value)
    except ConfigurationError as error:
        raise ValueError(str(error).rstrip(".")) from None


def parse_duration(text: str) -> timedelta:
    """The duration in `text`; raises `ConfigurationError` for anything else, and for more than ten years."""
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)([dhms])", text)
    duration = timedelta(**{_UNITS[found[2]]: float(found[1])}) if found else None
    if duration is None or duration > timedelta(days=3_650):
        raise ConfigurationError(f"{text!r} is no duration: say 7d, 12h, 5m or 10s, up to ten years.")
    return duration
