"""What Prometheus is told of the time series; set once a minute by the upkeep that leads."""

from collections.abc import Iterable
from typing import Final

from prometheus_client import Gauge

from schema.batch_runs import BatchJob
from schema.measures.forecasts import Skill
from schema.status import TimeSeriesStatus

CHUNKS: Final = Gauge("urbanclear_schema_chunks", "Chunks or partitions of a time series", ["relation"])
COMPRESSED: Final = Gauge("urbanclear_schema_compressed_chunks", "Chunks kept by column", ["relation"])
BYTES: Final = Gauge("urbanclear_schema_size_bytes", "What a time series takes, indexes included", ["relation"])
SAVED: Final = Gauge(
    "urbanclear_schema_compression_ratio", "Size of the compressed chunks over their size as rows", ["relation"]
)
LAG: Final = Gauge(
    "urbanclear_schema_refresh_lag_seconds", "Newest reading minus the end of what a rollup holds", ["relation"]
)
#: Not `job`, by which Prometheus means what it scrapes.
_OF_JOBS: Final = ["name", "relation"]
FAILURES: Final = Gauge("urbanclear_schema_job_failures", "Failed runs of a recurring job", _OF_JOBS)
FAILING: Final = Gauge("urbanclear_schema_job_failing", "1 if a job's last run failed, else 0", _OF_JOBS)
BATCH_SUCCESS: Final = Gauge(
    "urbanclear_schema_batch_success_timestamp_seconds", "When a batch job last succeeded; 0 for never", ["batch"]
)
BATCH_FAILING: Final = Gauge("urbanclear_schema_batch_failing", "1 if its last run failed, else 0", ["batch"])
_OF_FORECASTS: Final = ["model", "horizon_minutes"]
FORECAST_ERROR: Final = Gauge(
    "urbanclear_schema_forecast_error_kmh", "Mean absolute error of the last day's forecasts", _OF_FORECASTS
)
PERSISTENCE_ERROR: Final = Gauge(
    "urbanclear_schema_forecast_persistence_error_kmh", "The same of the last speed known", _OF_FORECASTS
)
FORECAST_COVERAGE: Final = Gauge(
    "urbanclear_schema_forecast_coverage", "Share of measured speeds inside the interval", _OF_FORECASTS
)


def observe(status: TimeSeriesStatus) -> None:
    """Set every gauge; relations and jobs that are gone are no longer told of."""
    for gauge in (CHUNKS, COMPRESSED, BYTES, SAVED, LAG, FAILURES, FAILING):
        gauge.clear()
    for series in status.series:
        CHUNKS.labels(series.relation).set(series.chunks)
        COMPRESSED.labels(series.relation).set(series.compressed_chunks)
        BYTES.labels(series.relation).set(series.bytes)
        if series.bytes_before and series.bytes_after is not None:
            SAVED.labels(series.relation).set(series.bytes_after / series.bytes_before)
    for rollup in status.rollups:
        lag = status.lag_s(rollup)
        if lag is not None:
            LAG.labels(rollup.relation).set(lag)
    for job in status.jobs:
        FAILURES.labels(job.name, job.relation or "").set(job.failures)
        FAILING.labels(job.name, job.relation or "").set(job.error is not None)


def observe_batches(jobs: Iterable[BatchJob]) -> None:
    """Set the gauges of batch jobs."""
    for one in jobs:
        BATCH_SUCCESS.labels(one.job).set(0 if one.last_success is None else one.last_success.timestamp())
        BATCH_FAILING.labels(one.job).set(bool(one.failing))


def observe_forecasts(scores: Iterable[Skill]) -> None:
    """Set the gauges of forecasts; models that no longer forecast are no longer told of."""
    for gauge in (FORECAST_ERROR, PERSISTENCE_ERROR, FORECAST_COVERAGE):
        gauge.clear()
    for one in scores:
        labels = (one.model, f"{one.horizon_minutes}")
        FORECAST_ERROR.labels(*labels).set(one.mae_kmh)
        if one.persistence_mae_kmh is not None:
            PERSISTENCE_ERROR.labels(*labels).set(one.persistence_mae_kmh)
        if one.coverage is not None:
            FORECAST_COVERAGE.labels(*labels).set(one.coverage)
