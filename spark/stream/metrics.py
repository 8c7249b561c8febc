"""What a stream counts; docs/spark.md explains each."""

from typing import Final

from prometheus_client import Counter, Histogram

READINGS: Final = Counter("urbanclear_spark_stream_readings_total", "Readings of known sensors that were looked at")
BATCH_SECONDS: Final = Histogram(
    "urbanclear_spark_stream_batch_seconds",
    "From a batch's readings to what they change in the database",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60),
)
DELAY_SECONDS: Final = Histogram(
    "urbanclear_spark_stream_delay_seconds",
    "From a batch's first message in Kafka to the end of its transaction",
    buckets=(0.25, 0.5, 1, 1.5, 2, 3, 5, 10, 60, 600, 3_600),
)
BEGUN: Final = Counter("urbanclear_spark_stream_anomalies_total", "Anomalies that began, by kind", ["kind"])
