"""What the poller counts, by feed."""

from typing import Final

from prometheus_client import Counter, Gauge

POLLS: Final = Counter(
    "urbanclear_ingest_feed_polls_total", "Questions to a feed's server, by outcome", ["feed", "outcome"]
)
PUBLISHED: Final = Counter("urbanclear_ingest_feed_published_total", "Events published from a feed", ["feed"])
UNCHANGED: Final = Counter(
    "urbanclear_ingest_feed_unchanged_total", "Events of a feed that had been published before", ["feed"]
)
AGE: Final = Gauge(
    "urbanclear_ingest_feed_newest_age_seconds", "Now minus the newest time in a feed's documents", ["feed"]
)
BREAKER: Final = Gauge(
    "urbanclear_ingest_feed_breaker_state", "0: asked as usual, 1: tried again, 2: left alone for a while", ["feed"]
)
