"""The contract of live feeds: what a feed says of itself, the document its server answers, and what a parser returns.

A new feed is one module with a `parse` and one `Feed`, listed in `ingest/sources/live/feeds.py`. Everything else
(asking politely, telling what is new, clearing what is gone, publishing, counting) is the poller's.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from ingest.sources.outcome import Refused, Rejected
from schema.events import Event
from urbanclear.settings import Settings

Part = Event | Refused | Rejected


@dataclass(frozen=True)
class Document:
    """One answer of a feed's server, whole and decompressed.

    `url` is without query and login, and so fit for logs and letters; `media_type` without parameters, in lower case;
    `fetched_at` is aware and in UTC.
    """

    url: str
    media_type: str
    body: bytes
    fetched_at: datetime

    def origin(self, place: object) -> str:
        """Where a part of it stands, for `Rejected`: the feed's address and the row or id."""
        return f"{self.url}#{place}"


Parse = Callable[[Document], Iterable[Part]]


def _nothing(_: Settings) -> Mapping[str, str]:
    return {}


def _no_page(_: Document) -> str | None:
    return None


@dataclass(frozen=True)
class Feed:
    """A feed: where it is, how often it is worth asking, and how its documents are read.

    `parse` gives the document's events, incidents as the document has them: `reported`, or `cleared` where it says so
    (the poller tells what is new, an update, or gone). It raises `FeedChanged` when the whole document is not of the
    form expected, and nothing else; its events pass `schema.events.decode`.
    """

    name: str  # the word on the command line, and before the colon of all its ids
    about: str  # one sentence
    url: str | None  # the public address; None: there is none, so --url has to be given
    every: timedelta  # how often to ask
    media: tuple[str, ...]  # media types accepted, most wanted first
    parse: Parse
    lists_active: bool = True  # an incident that its documents no longer hold is over
    headers: Callable[[Settings], Mapping[str, str]] = _nothing  # may hold secrets: never logged
    params: Callable[[Settings], Mapping[str, str]] = _nothing  # of the query, likewise
    next_page: Callable[[Document], str | None] = _no_page  # where the rest is, absolute or relative to the page
