"""The stretch of time that a job is about, as people say it: two times, or the last days for which there are
readings.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import psycopg

from urbanclear.errors import ConfigurationError

_NEWEST: Final = "SELECT max(time) FROM latest_readings"


@dataclass(frozen=True)
class Span:
    """From `start` until just before `end`, both aware."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise ConfigurationError(f"The span ends ({self.end}) before it starts ({self.start}): turn them round.")


def span_of(database_url: str, start: str | None, end: str | None, days: float) -> Span:
    """What `--from`, `--to` and `--days` say; without an end, up to the newest reading, whatever the clock says.

    Raises `ConfigurationError` for what is no time, where there are no readings, or no database that answers.
    """
    until = _time(end, "--to") if end else newest_reading(database_url) + timedelta(microseconds=1)
    return Span(_time(start, "--from") if start else until - timedelta(days=days), until)


def newest_reading(database_url: str) -> datetime:
    """Its time; raises `ConfigurationError` where there is none, or no database that answers."""
    try:
        with psycopg.connect(database_url) as connection:
            row = connection.execute(_NEWEST).fetchone()
    except psycopg.errors.UndefinedTable:
        raise ConfigurationError("The database has no table readings: run `urbanclear schema upgrade`.") from None
    except psycopg.OperationalError as error:
        reason = " ".join(str(error).split())
        raise ConfigurationError(
            f"The database does not answer: start the stack with `urbanclear up`, or check "
            f"URBANCLEAR_DATABASE_URL. ({reason})"
        ) from error
    if row is None or row[0] is None:
        raise ConfigurationError("There are no readings yet: start a source, for example with `urbanclear up`.")
    newest: datetime = row[0]
    return newest.astimezone(UTC)


def _time(text: str, option: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"{option} {text!r} is no time: say one as in 2026-03-02T00:00:00Z.") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
