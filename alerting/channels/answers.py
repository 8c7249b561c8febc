"""What an answer over HTTP means for a notification: taken, to be tried again, or refused for good."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from alerting.guard import Answer
from urbanclear.errors import Refused, TryLater

_AGAIN: Final = frozenset({408, 425, 429})
_SHOWN: Final = 200  # characters of an answer that are kept with the attempt


def accepted(answer: Answer) -> None:
    """Returns for 2xx; else raises `TryLater` (408, 425, 429 and 5xx) or `Refused` (all else)."""
    if 200 <= answer.status < 300:
        return
    if 300 <= answer.status < 400:
        raise Refused(
            f"{answer.status}: it leads to another address, and redirects are not followed: put the address that it "
            f"leads to into the contact"
        )
    said = f"{answer.status}: {printable(answer.body)}".rstrip(": ")
    if answer.status in _AGAIN or answer.status >= 500:
        raise TryLater(said, after=retry_after(answer.headers.get("retry-after")))
    raise Refused(said)


def printable(body: bytes) -> str:
    """The beginning of `body` on one line."""
    text = " ".join(body.decode("utf-8", "replace").split())
    return "".join(letter for letter in text if letter.isprintable())[:_SHOWN]


def retry_after(text: str | None) -> timedelta | None:
    """What a Retry-After header says, in seconds or as a date; None for what is neither."""
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:9]), 86_400))
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(timedelta(0), (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - datetime.now(UTC))
