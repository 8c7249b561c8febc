"""What ingest counts; docs/ingest.md explains each."""

from collections.abc import Iterable
from typing import Final

import numpy as np
from prometheus_client import Counter, Gauge, Histogram

from ingest.batch import Batch, DeadLetter
from ingest.writer import REFUSED, Rows
from schema import topics
from schema.events import REASONS
from schema.rollups import Flag

STORED: Final = Counter("urbanclear_ingest_stored_total", "Readings and other events stored, by topic", ["topic"])
FLAGGED: Final = Counter("urbanclear_ingest_flagged_total", "Readings stored with a flag, by flag", ["flag"])
DEAD_LETTERS: Final = Counter(
    "urbanclear_ingest_dead_letters_total", "Messages and readings rejected, by reason", ["reason"]
)
for _reason in (*REASONS, REFUSED):
    DEAD_LETTERS.labels(_reason)  # at 0, so that Prometheus sees the first one's rise
BATCH_ROWS: Final = Histogram(
    "urbanclear_ingest_batch_rows",
    "Readings and other events in a transaction",
    buckets=(1, 10, 100, 500, 1_000, 2_500, 5_000, 10_000, 20_000, 50_000),
)
BATCH_SECONDS: Final = Histogram("urbanclear_ingest_batch_seconds", "From the start of a transaction to its end")
DELAY_SECONDS: Final = Histogram(
    "urbanclear_ingest_delay_seconds",
    "From a batch's first message in Kafka to its end in the database",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 10, 60, 600, 3_600),
)
READING_AGE: Final = Gauge("urbanclear_ingest_reading_age_seconds", "Age of the newest reading in the last batch")
LAG: Final = Gauge("urbanclear_ingest_lag_messages", "Messages in Kafka that this process has yet to store")
PARTITIONS: Final = Gauge("urbanclear_ingest_partitions", "Partitions that this process consumes")
PAUSED: Final = Gauge(
    "urbanclear_ingest_paused", "1 while Kafka is paused because the database does not keep up, else 0"
)
REBALANCES: Final = Counter("urbanclear_ingest_rebalances_total", "Times that partitions were handed out anew")
DATABASE_AWAY: Final = Counter("urbanclear_ingest_database_away_total", "Attempts that found the database away")
CHECKPOINTS: Final = Histogram(
    "urbanclear_ingest_checkpoint_seconds", "To note the newest readings, send dead letters and commit offsets"
)


def observe(batch: Batch, rows: Rows, seconds: float, now_s: float) -> None:
    """Count a batch that is stored."""
    if len(rows):
        STORED.labels(topics.READINGS.name).inc(len(rows))
        READING_AGE.set(now_s - int(rows.readings.times.max()) / 1e6)
        for flag in Flag:
            FLAGGED.labels(flag.name.lower()).inc(int(np.count_nonzero(rows.flags == flag)))
    for message in batch.messages:
        STORED.labels(message.record.topic).inc()
    BATCH_ROWS.observe(len(batch))
    BATCH_SECONDS.observe(seconds)
    if batch.published_ms is not None:
        DELAY_SECONDS.observe(max(0.0, now_s - batch.published_ms / 1000))


def observe_rejected(letters: Iterable[DeadLetter]) -> None:
    """Count dead letters that are sent."""
    for letter in letters:
        DEAD_LETTERS.labels(letter.reason).inc()
