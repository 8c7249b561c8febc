"""A feed's server, and what polls it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from ingest.sources.live.breaker import Breaker
from ingest.sources.live.feed import Feed
from ingest.sources.live.fetch import open_fetcher
from ingest.sources.live.source import LiveSource, learned, utc_now
from schema.publisher import Publisher, open_publisher
from tests.ingest.sources.live.server import FeedServer, running_server
from urbanclear.settings import Settings


@dataclass
class Polling:
    """A source whose polls a test makes one by one. `now` is its clock, `waits` what each poll returned."""

    source: LiveSource
    publisher: Publisher
    clock: "Clock"
    waits: list[timedelta]

    async def poll(self, times: int = 1) -> timedelta:
        """Poll; returns the wait that the last poll asked for. The clock does not move by itself."""
        for _ in range(times):
            self.waits.append(await self.source.poll(self.publisher))
        return self.waits[-1]


@dataclass
class Clock:
    """A clock that a test moves."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now

    def seconds(self) -> float:
        return self.now.timestamp()

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


OpenPolling = Callable[..., AbstractAsyncContextManager[Polling]]


@pytest.fixture
async def feed_server() -> AsyncIterator[FeedServer]:
    async with running_server() as server:
        yield server


@pytest.fixture
def polling(kafka_bootstrap: str, feed_server: FeedServer) -> OpenPolling:
    """`async with polling(feed, now=…) as polls: await polls.poll()`, from `feed_server` into real Kafka.

    The source has learned from Kafka what it published before. Back-off waits are the longest that may be drawn.
    """

    @asynccontextmanager
    async def opened(
        feed: Feed, *, now: datetime | None = None, url: str | None = None, settings: Settings | None = None
    ) -> AsyncIterator[Polling]:
        clock = Clock(now or utc_now())
        settings = settings or Settings.model_validate({"feed_timeout": "10s"})
        breaker = Breaker(clock=clock.seconds, draw=lambda low, high: high)
        async with (
            open_publisher(kafka_bootstrap) as publisher,
            open_fetcher(feed, settings, url or feed_server.url) as fetcher,
        ):
            known = await learned(feed, settings, kafka_bootstrap)
            source = LiveSource(feed, fetcher, known, breaker=breaker, clock=clock)
            yield Polling(source, publisher, clock, [])

    return opened
