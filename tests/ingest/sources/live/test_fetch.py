"""What is asked of a feed's server, and what is made of each of its answers, the mistakes of real ones included."""

import gzip
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from ingest.sources.live.body import LARGEST_BYTES
from ingest.sources.live.feed import Document
from ingest.sources.live.fetch import Fetcher, open_fetcher
from tests.ingest.sources.live.example_feed import FEED, GOOD, NOW, incident, listing
from tests.ingest.sources.live.server import Answer, FeedServer, running_server
from urbanclear.errors import ConfigurationError, FeedError
from urbanclear.settings import Settings

GZIP = {"content-encoding": "gzip"}
MISTAKES = {
    "too_many_requests": Answer(status=429),
    "server_error": Answer(b"<html>Bad gateway</html>", "text/html", status=502),
    "client_error": Answer(status=404),
    "client_error, not ready": Answer(status=202),
    "client_error, not modified": Answer(status=304),
    "forbidden": Answer(status=403),
    "broken_off": Answer(GOOD, sent=10),
    "broken_off, in gzip": Answer(gzip.compress(GOOD)[:-10], headers=GZIP),
    "undecodable, no gzip": Answer(GOOD, headers=GZIP),
    "undecodable, damaged gzip": Answer(gzip.compress(GOOD)[:-8] + b"12345678", headers=GZIP),
    "undecodable, two in one": Answer(gzip.compress(GOOD) * 2, headers=GZIP),
    "undecodable, not asked for": Answer(GOOD, headers={"content-encoding": "br"}),
    "too_large, a bomb": Answer(gzip.compress(bytes(LARGEST_BYTES + 1)), headers=GZIP),
    "wrong_type, HTML": Answer(b"<html>Maintenance</html>", "text/html; charset=utf-8"),
    "wrong_type, none": Answer(GOOD, media_type=None),
    "timeout": Answer(silent=True),
    "bad_redirect, without end": Answer(status=302, headers={"location": "/feed"}),
    "bad_redirect, to a file": Answer(status=302, headers={"location": "file:///etc/passwd"}),
}


@pytest.fixture
async def fetcher(feed_server: FeedServer) -> AsyncIterator[Fetcher]:
    async with open_fetcher(FEED, Settings.model_validate({"feed_timeout": "1s"}), feed_server.url) as fetcher:
        yield fetcher


@pytest.mark.parametrize("mistake", MISTAKES)
async def test_a_mistake_is_told_apart_and_the_next_good_answer_is_taken(
    mistake: str, feed_server: FeedServer, fetcher: Fetcher
) -> None:
    feed_server.answers(MISTAKES[mistake])
    with pytest.raises(FeedError) as raised:
        await fetcher.fetch(NOW)
    assert raised.value.outcome == mistake.split(",")[0]
    assert feed_server.url in str(raised.value)
    feed_server.answers(Answer(gzip.compress(GOOD), headers=GZIP))
    [document] = (await fetcher.fetch(NOW)).pages
    assert document == Document(feed_server.url, "application/json", GOOD, NOW)


async def test_a_server_that_is_not_there_is_unreachable() -> None:
    async with open_fetcher(FEED, Settings()) as fetcher:
        with pytest.raises(FeedError, match=r"http://127.0.0.1:1/feed cannot be reached") as raised:
            await fetcher.fetch(NOW)
    assert raised.value.outcome == "unreachable"


@pytest.mark.parametrize(("header", "seconds"), [("77", 77), ("Mon, 01 Jun 2026 12:10:00 GMT", 600)])
async def test_the_wait_that_a_server_asks_for_is_told(
    header: str, seconds: int, feed_server: FeedServer, fetcher: Fetcher
) -> None:
    feed_server.answers(Answer(status=503, headers={"retry-after": header}))
    with pytest.raises(FeedError) as raised:
        await fetcher.fetch(NOW)
    assert raised.value.retry_after == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("validator", "condition"), [("etag", "if-none-match"), ("last-modified", "if-modified-since")]
)
async def test_what_has_not_changed_is_not_sent_again_and_is_read_as_of_now(
    validator: str, condition: str, feed_server: FeedServer, fetcher: Fetcher
) -> None:
    feed_server.answers(Answer(GOOD, headers={validator: '"a day"'}))
    first, again = await fetcher.fetch(NOW), await fetcher.fetch(NOW + timedelta(hours=1))
    assert (first.modified, again.modified) == (True, False)
    assert again.pages == (replace(first.pages[0], fetched_at=NOW + timedelta(hours=1)),)
    assert [request.headers.get(condition) for request in feed_server.requests] == [None, '"a day"']


async def test_the_pages_of_a_document_are_one_answer_or_none(feed_server: FeedServer) -> None:
    def next_page(document: Document) -> str | None:
        return "/feed?page=2" if b"test:a" in document.body else None

    first, second = listing(incident("a"), etag='"1"'), listing(incident("b"))
    feed_server.answers(first, second, first, Answer(status=500))
    async with open_fetcher(replace(FEED, next_page=next_page), Settings(), feed_server.url) as fetcher:
        assert [page.body for page in (await fetcher.fetch(NOW)).pages] == [first.body, second.body]
        with pytest.raises(FeedError):
            await fetcher.fetch(NOW)
    assert [request.target for request in feed_server.requests] == ["/feed", "/feed?page=2"] * 2
    assert all("if-none-match" not in request.headers for request in feed_server.requests)


async def test_pages_without_end_are_given_up(feed_server: FeedServer) -> None:
    feed_server.answers(Answer(GOOD))
    feed = replace(FEED, next_page=lambda _: "/feed")
    async with open_fetcher(feed, Settings(), feed_server.url) as fetcher:
        with pytest.raises(FeedError, match="more than 100 pages"):
            await fetcher.fetch(NOW)


async def test_secrets_go_to_the_feeds_own_server_only_and_into_no_error(feed_server: FeedServer) -> None:
    feed = replace(FEED, headers=lambda _: {"x-app-token": "hush"}, params=lambda _: {"key": "quiet", "a": "c"})
    url = feed_server.url.replace("http://", "http://user:whisper@") + "?a=b"
    async with running_server() as elsewhere:
        elsewhere.answers(Answer(status=500))
        feed_server.answers(
            Answer(status=302, headers={"location": "/moved"}),
            Answer(status=307, headers={"location": elsewhere.url}),
        )
        async with open_fetcher(feed, Settings(), url) as fetcher:
            with pytest.raises(FeedError) as raised:
                await fetcher.fetch(NOW)
    asked, moved = feed_server.requests
    assert asked.target == "/feed?a=b&key=quiet"
    assert [request.headers.get("x-app-token") for request in (asked, moved)] == ["hush", "hush"]
    assert "x-app-token" not in elsewhere.requests[0].headers
    assert [word for word in ("hush", "quiet", "whisper") if word in f"{raised.value} {fetcher.shown_url}"] == []


@pytest.mark.parametrize("url", ["ftp://example.org/feed", "example.org", "https://", "http://h:port", "", None])
async def test_an_address_that_does_not_do_is_said_before_anything_is_asked(url: str | None) -> None:
    with pytest.raises(ConfigurationError, match="--url"):
        async with open_fetcher(replace(FEED, url=None), Settings(), url):
            pass
