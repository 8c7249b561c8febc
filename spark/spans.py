"""The stretch of time that a job is about, as people say it: two times, or the last days for which there are
readings.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

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


@dataclass(frozen=True)
class Asked:
    """What `--from`, `--to` and `--days` say."""

    start: datetime | None
    end: datetime | None
    days: float

    @classmethod
    def of(cls, start: str | None, end: str | None, days: float) -> "Asked":
        """Raises `ConfigurationError` for what is no time, and for a span that ends before it starts."""
        asked = cls(_time(start, "--from") if start else None, _time(end, "--to") if end else None, days)
        if asked.start and asked.end:
            Span(asked.start, asked.end)
        return asked

    def span(self, newest: Callable[[], datetime]) -> Span:
        """Without an end, up to the newest reading, whatever the clock says."""
        until = self.end or newest() + timedelta(microseconds=1)
        if self.start and self.end is None and self.start >= until:
            raise ConfigurationError(
                f"The newest reading is of {until:%Y-%m-%d %H:%M} UTC: choose an earlier --from."
            )
        return Span(self.start or until - timedelta(days=self.days), until)


def newest_reading(database_url: str) -> datetime:
    """Its time; raises `ConfigurationError` where there is none, or no database that answers."""
    with answering(database_url) as connection:
        row = connection.execute(_NEWEST).fetchone()
    if row is None or row[0] is None:
        raise ConfigurationError("There are no readings yet: start a source, for example with `urbanclear up`.")
    newest: datetime = row[0]
    return newest.astimezone(UTC)


@contextmanager
def answering(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection; raises `ConfigurationError` where no database answers, or one without the schema."""
    try:
        with psycopg.connect(database_url) as connection:
            yield connection
    except psycopg.errors.UndefinedTable:
        raise ConfigurationError("The database has no table readings: run `urbanclear schema upgrade`.") from None
    except psycopg.OperationalError as error:
        reason = " ".join(str(error).split())
        raise ConfigurationError(
            f"The database does not answer: start the stack with `urbanclear up`, or check "
            f"URBANCLEAR_DATABASE_URL. ({reason})"
        ) from error


def _time(text: str, option: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"{option} {text!r} is no time: say one as in 2026-03-02T00:00:00Z.") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
