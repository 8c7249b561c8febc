"""How long a server wants to be left alone: `Retry-After` and `Cache-Control: max-age` in an answer's headers."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST: Final = timedelta(days=1)  # whatever a server says, it is asked again a day later
NONE: Final = timedelta(0)


def retry_after(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """The wait asked for after an error, in seconds or until a date (RFC 9110, section 10.2.3)."""
    text = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        return _bounded(timedelta(seconds=int(text)))
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    aware = until if until.tzinfo is not None else until.replace(tzinfo=UTC)
    return _bounded(aware - now)


def fresh_for(headers: Mapping[str, str]) -> timedelta:
    """How long a document stays fresh: `max-age` less its `Age` (RFC 9111, section 4.2); not at all unless said."""
    found = re.search(r"(?:^|[,\s])max-age=\"?([0-9]{1,9})", headers.get("cache-control", "").lower())
    age = headers.get("age", "").strip()
    if found is None:
        return NONE
    return _bounded(timedelta(seconds=int(found[1]) - (int(age) if re.fullmatch(r"[0-9]{1,9}", age) else 0)))


def _bounded(wait: timedelta) -> timedelta:
    return min(max(wait, NONE), LONGEST)
