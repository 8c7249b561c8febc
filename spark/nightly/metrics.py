"""What the nightly process counts; docs/spark.md explains each."""

from typing import Final

from prometheus_client import Counter, Gauge

RUNS: Final = Counter(
    "urbanclear_spark_nightly_runs_total",
    "Commands that were run by themselves, by how they ended",
    ["command", "outcome"],
)
SUCCEEDED: Final = Gauge(
    "urbanclear_spark_nightly_success_timestamp_seconds", "When a command last succeeded", ["command"]
)
