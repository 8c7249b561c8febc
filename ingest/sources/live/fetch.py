"""Asks a feed's server for its document, politely, and takes nothing from it on trust.

A question is conditional where the last answer allowed that; an answer is streamed, bounded in size and time, and
must be whole and of a media type that the feed expects. Whatever else comes is a `FeedError`, whose text holds
neither query nor login of an address.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import httpx

from ingest.sources.live.body import ACCEPTED, read_body
from ingest.sources.live.feed import Document, Feed
from ingest.sources.live.waits import fresh_for, retry_after
from urbanclear import __version__
from urbanclear.errors import ConfigurationError, FeedError
from urbanclear.settings import Settings

MOST_REDIRECTS: Final = 5
MOST_PAGES: Final = 100
USER_AGENT: Final = f"urbanclear/{__version__}"


@dataclass(frozen=True)
class Answer:
    """What a poll brought: all pages, whether they are new, and how long they stay fresh."""

    pages: tuple[Document, ...]
    modified: bool
    fresh_for: timedelta


class Fetcher:
    """Asks for one feed's document. Keeps the last one where its server can say later that it has not changed."""

    def __init__(self, feed: Feed, settings: Settings, client: httpx.AsyncClient, url: str | None = None) -> None:
        self._feed = feed
        self._client = client
        self._timeout_s = settings.feed_timeout.total_seconds()
        self._url = _first_url(feed, settings, url)
        self._secrets = feed.headers(settings)
        self._validators: dict[str, str] = {}
        self._kept: Document | None = None

    @property
    def shown_url(self) -> str:
        """The address, fit for logs."""
        return _shown(self._url)

    async def fetch(self, now: datetime) -> Answer:
        """The feed's document as of `now`, all pages of it; raises `FeedError`."""
        document, headers = await self._get(self._url, self._validators, now)
        if document is None and self._kept is not None:
            return Answer((replace(self._kept, fetched_at=now),), modified=False, fresh_for=fresh_for(headers))
        pages = [document] if document else []
        while pages and (link := self._feed.next_page(pages[-1])) is not None:
            pages.append(await self._next_page(link, len(pages), now))
        if not pages:
            raise FeedError("client_error", f"{self.shown_url} answered 304 to a question without a condition.")
        self._remember(pages, headers)
        return Answer(tuple(pages), modified=True, fresh_for=fresh_for(headers))

    async def _next_page(self, link: str, number: int, now: datetime) -> Document:
        if number == MOST_PAGES:
            raise FeedError("too_large", f"{self.shown_url} has more than {MOST_PAGES} pages.")
        page, _ = await self._get(_joined(self._url, link), {}, now)
        if page is None:
            raise FeedError("client_error", f"{self.shown_url} answered 304 for a page that it has not sent yet.")
        return page

    def _remember(self, pages: list[Document], headers: Mapping[str, str]) -> None:
        """What the next question can be conditional on; of several pages, the first one's tag speaks for no other."""
        answers = {"if-none-match": headers.get("etag"), "if-modified-since": headers.get("last-modified")}
        whole = len(pages) == 1
        self._validators = {name: value for name, value in answers.items() if value and whole}
        self._kept = pages[0] if self._validators else None

    async def _get(
        self, url: httpx.URL, conditions: Mapping[str, str], now: datetime
    ) -> tuple[Document | None, Mapping[str, str]]:
        """A document and its headers; without one where it has not changed."""
        shown = _shown(url)
        try:
            async with asyncio.timeout(self._timeout_s), self._response(url, conditions) as response:
                if response.status_code == httpx.codes.NOT_MODIFIED:
                    return None, response.headers
                _check_status(response, shown, now)
                media_type = self._media_type(response, shown)
                body = await read_body(response, shown)
        except (TimeoutError, httpx.TimeoutException):
            raise FeedError("timeout", f"{shown} did not answer within {self._timeout_s:g} s.") from None
        except (httpx.RemoteProtocolError, httpx.ReadError):
            raise FeedError("broken_off", f"{shown} broke off its answer.") from None
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise FeedError("unreachable", f"{shown} cannot be reached: {type(error).__name__}.") from None
        return Document(shown, media_type, body, now), response.headers

    @asynccontextmanager
    async def _response(self, url: httpx.URL, conditions: Mapping[str, str]) -> AsyncIterator[httpx.Response]:
        """The answer at the end of all redirects; secrets go to the feed's own origin only."""
        for _ in range(MOST_REDIRECTS + 1):
            headers = {"accept": ", ".join(self._feed.media), "accept-encoding": ACCEPTED, "user-agent": USER_AGENT}
            secrets = self._secrets if _origin(url) == _origin(self._url) else {}
            async with self._client.stream("GET", url, headers={**headers, **secrets, **conditions}) as response:
                if not response.has_redirect_location:
                    yield response
                    return
                url = _joined(url, response.headers["location"])
        raise FeedError("bad_redirect", f"{self.shown_url} redirects more than {MOST_REDIRECTS} times.")

    def _media_type(self, response: httpx.Response, shown: str) -> str:
        media_type: str = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type not in self._feed.media:
            said = repr(media_type[:60]) if media_type else "no media type"
            raise FeedError("wrong_type", f"{shown} answered with {said}, not {' or '.join(self._feed.media)}.")
        return media_type


@asynccontextmanager
async def open_fetcher(feed: Feed, settings: Settings, url: str | None = None) -> AsyncIterator[Fetcher]:
    """A fetcher with its connections; raises `ConfigurationError` where the address does not do."""
    async with httpx.AsyncClient(timeout=settings.feed_timeout.total_seconds(), follow_redirects=False) as client:
        yield Fetcher(feed, settings, client, url)


def _first_url(feed: Feed, settings: Settings, given: str | None) -> httpx.URL:
    """The address to ask: the given one or the feed's own, with what the feed adds where it is not said there."""
    text = given or feed.url
    if text is None:
        raise ConfigurationError(f"The feed {feed.name} has no public address: say --url.")
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        raise ConfigurationError("The address given cannot be read: say --url https://host/path.") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise ConfigurationError(f"The address {_shown(url)} is none of http or https: say --url https://host/path.")
    missing = {name: value for name, value in feed.params(settings).items() if name not in url.params}
    return url.copy_merge_params(missing) if missing else url


def _joined(url: httpx.URL, link: str) -> httpx.URL:
    try:
        target = url.join(link)
    except httpx.InvalidURL:
        target = None
    if target is None or target.scheme not in ("http", "https"):
        raise FeedError("bad_redirect", f"{_shown(url)} leads to an address that is none of http or https.")
    return target


def _check_status(response: httpx.Response, shown: str, now: datetime) -> None:
    status = response.status_code
    if status == httpx.codes.OK:
        return
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        raise FeedError("forbidden", f"{shown} answered {status}: check the feed's key in the settings.")
    if status == httpx.codes.TOO_MANY_REQUESTS:
        outcome = "too_many_requests"
    else:
        outcome = "server_error" if response.is_server_error else "client_error"
    raise FeedError(outcome, f"{shown} answered {status}.", retry_after=retry_after(response.headers, now))


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _shown(url: httpx.URL) -> str:
    """An address without what may be secret in it: login, query and fragment."""
    return str(url.copy_with(username=None, password=None, query=None, fragment=None))
