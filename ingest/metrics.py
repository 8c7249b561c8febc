"""What ingest counts."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from ingest.batch import Batch

STORED: Final = Counter("urbanclear_ingest_stored_total", "Messages stored, by topic", ["topic"])
DEAD_LETTERS: Final = Counter("urbanclear_ingest_dead_letters_total", "Messages rejected, by reason", ["reason"])
BATCH_ROWS: Final = Histogram(
    "urbanclear_ingest_batch_messages",
    "Messages in a batch",
    buckets=(1, 10, 100, 500, 1_000, 2_500, 5_000, 10_000),
)
BATCH_SECONDS: Final = Histogram("urbanclear_ingest_batch_seconds", "From decoding a batch to its offsets' commit")
LAG: Final = Gauge("urbanclear_ingest_lag_messages", "Messages in Kafka that this process has yet to store")
DATABASE_AWAY: Final = Counter("urbanclear_ingest_database_away_total", "Attempts that found the database away")


def observe_batch(batch: Batch, seconds: float) -> None:
    """Count a batch that is stored and committed."""
    for message in batch.messages:
        STORED.labels(message.record.topic).inc()
    for letter in batch.dead:
        DEAD_LETTERS.labels(letter.reason).inc()
    BATCH_ROWS.observe(len(batch.messages) + len(batch.dead))
    BATCH_SECONDS.observe(seconds)
