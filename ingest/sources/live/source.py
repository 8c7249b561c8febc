"""A live feed as a source: asks its server again and again, and publishes what is new.

    wait ─► fetch ─► parse ─► compare with what is known ─► publish ─► remember
      ▲        └────────┴─► FeedError: back off, or leave it alone for a while

A bad answer never ends the source. It is counted every time and logged when the state of things changes.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

from ingest.sources.live import metrics
from ingest.sources.live.breaker import Breaker, State
from ingest.sources.live.feed import Feed
from ingest.sources.live.fetch import Answer, Fetcher, open_fetcher
from ingest.sources.live.known import Known, News
from ingest.sources.progress import published
from schema import topics
from schema.events import Event
from schema.publisher import Publisher
from urbanclear.errors import ConfigurationError, FeedError, NotDelivered
from urbanclear.logs import get_logger
from urbanclear.serving import unless_stopped
from urbanclear.settings import Settings

log = get_logger("source")

READINGS_LEARNED: Final = timedelta(hours=2)  # of Kafka; what a sensor sent before is sent once more after a restart
SHORTEST_INTERVAL: Final = timedelta(seconds=1)

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The time of day, injectable."""
    return datetime.now(UTC)


class LiveSource:
    """Polls one feed until told to stop. Clock and breaker may be replaced by what does not wait."""

    def __init__(
        self,
        feed: Feed,
        fetcher: Fetcher,
        known: Known,
        *,
        every: timedelta | None = None,
        breaker: Breaker | None = None,
        clock: Clock = utc_now,
    ) -> None:
        self._feed = feed
        self._fetcher = fetcher
        self._known = known
        self._every = feed.every if every is None else every
        self._breaker = Breaker() if breaker is None else breaker
        self._clock = clock
        self._trouble: tuple[str, State] | None = None  # as last logged

    async def run(self, publisher: Publisher, stop: asyncio.Event) -> None:
        """Poll until `stop` is set, which also breaks off a poll; what is published by then is flushed."""
        log.info(
            "feed.started", feed=self._feed.name, url=self._fetcher.shown_url, every_s=self._every.total_seconds()
        )
        await unless_stopped(self._poll_on(publisher), stop)

    async def _poll_on(self, publisher: Publisher) -> None:
        while True:
            wait = await self.poll(publisher)
            await asyncio.sleep(wait.total_seconds())

    async def poll(self, publisher: Publisher) -> timedelta:
        """Ask once, publish what is new, and return the wait until the next question."""
        begun = self._clock()
        metrics.BREAKER.labels(self._feed.name).set(self._breaker.state)
        try:
            answer = await self._fetcher.fetch(begun)
            parts = [part for page in answer.pages for part in self._feed.parse(page)]
            news = self._known.compare(parts, begun, self._fetcher.shown_url)
            await self._publish(news, publisher)
        except FeedError as error:
            return self._failed(error)
        except NotDelivered as error:  # nothing is remembered, so all of it is news again
            return self._failed(FeedError("not_delivered", str(error)))
        if answer.modified:
            _count_refused(news, publisher)
        self._succeeded(answer, news)
        return max(self._every, answer.fresh_for) - (self._clock() - begun)

    async def _publish(self, news: News, publisher: Publisher) -> None:
        for event in news.events:
            await publisher.publish(event)
        await publisher.publish_readings(news.readings)
        for part in news.rejected:
            await publisher.reject(part.origin, part.row, part.reason, part.detail)
        await publisher.flush()
        self._known.remember(news)
        if news.rejected:
            reasons = dict(Counter(part.reason for part in news.rejected))
            log.warning("feed.parts_rejected", feed=self._feed.name, reasons=reasons, first=news.rejected[0].origin)

    def _succeeded(self, answer: Answer, news: News) -> None:
        name = self._feed.name
        self._breaker.succeed()
        self._tell(None)
        count = len(news.events) + len(news.readings)
        outcome = "not_modified" if not answer.modified else "news" if count else "no_news"
        metrics.POLLS.labels(name, outcome).inc()
        metrics.PUBLISHED.labels(name).inc(count)
        metrics.UNCHANGED.labels(name).inc(news.unchanged)
        if (newest := news.newest) is not None:
            metrics.AGE.labels(name).set_function(lambda: (self._clock() - newest).total_seconds())

    def _failed(self, error: FeedError) -> timedelta:
        metrics.POLLS.labels(self._feed.name, error.outcome).inc()
        wait = timedelta(seconds=self._breaker.fail())
        self._tell(error)
        return max(wait, error.retry_after or wait)

    def _tell(self, error: FeedError | None) -> None:
        """Show the breaker's state, and log where it or the trouble is not what it was."""
        name, state = self._feed.name, self._breaker.state
        metrics.BREAKER.labels(name).set(state)
        trouble = None if error is None else (error.outcome, state)
        if trouble == self._trouble:
            return
        self._trouble = trouble
        if error is None:
            log.info("feed.recovered", feed=name)
        else:
            event = "feed.left_alone" if state is State.OPEN else "feed.failing"
            log.warning(event, feed=name, outcome=error.outcome, error=str(error), failures=self._breaker.failures)


def _count_refused(news: News, publisher: Publisher) -> None:
    for reason, count in news.refused.items():
        publisher.count_refused(reason, count)


@asynccontextmanager
async def open_source(
    feed: Feed, settings: Settings, bootstrap: str, *, url: str | None = None, every: timedelta | None = None
) -> AsyncIterator[LiveSource]:
    """A source of `feed` that knows what Kafka holds of it.

    Raises `ConfigurationError` where an argument does not fit.
    """
    if every is not None and every < SHORTEST_INTERVAL:
        raise ConfigurationError("A feed is asked once a second at most: say --every 1s or more.")
    async with open_fetcher(feed, settings, url) as fetcher:
        yield LiveSource(feed, fetcher, await learned(feed, settings, bootstrap), every=every)


async def learned(feed: Feed, settings: Settings, bootstrap: str) -> Known:
    """What Kafka holds of a feed: its sensors, its incidents, its weather and its readings of the last hours."""
    known: list[Event] = []
    recent = utc_now() - READINGS_LEARNED
    for topic, since in (
        (topics.SENSORS, None),
        (topics.INCIDENTS, None),
        (topics.WEATHER, recent),
        (topics.READINGS, recent),
    ):
        known += [event async for event in published(bootstrap, topic, f"{feed.name}:", since)]
    return Known(feed, settings, known)
