"""What the API counts."""

from http.client import INTERNAL_SERVER_ERROR
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from urbanclear.slo import LATENCY, NOT_JUDGED

REQUESTS: Final = Counter(
    "urbanclear_api_requests_total", "Requests answered, by method, route and status", ["method", "route", "status"]
)
REQUEST_SECONDS: Final = Histogram(
    "urbanclear_api_request_seconds",
    "From a request's arrival to the start of its answer, by route",
    ["route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)
#: What objectives are judged by: without labels, so that each is there at 0 before the first request, whose rise
#: Prometheus sees.
JUDGED: Final = Counter(
    "urbanclear_api_judged_requests_total", "Requests answered, except those of probes and of Prometheus"
)
FAILED: Final = Counter("urbanclear_api_failed_requests_total", "Of these, answered with a server's error (5xx)")
SLOW: Final = Counter(
    "urbanclear_api_slow_requests_total", f"Of these, whose answer began after more than {LATENCY.threshold_s} s"
)
PUSHED: Final = Counter(
    "urbanclear_api_pushed_readings_total", "Readings that were pushed, by outcome: accepted, or why not", ["outcome"]
)
SHARED: Final = Counter(
    "urbanclear_api_shared_answers_total", "Answers that were given to several who asked the same at the same time"
)
NEWEST_READING: Final = Gauge(
    "urbanclear_api_newest_reading_timestamp_seconds", "Time of the newest reading in the database, 0 for none"
)


def observe(method: str, route: str, status: int, seconds: float) -> None:
    """Count a request whose answer began `seconds` after it arrived."""
    REQUESTS.labels(method, route, status).inc()
    REQUEST_SECONDS.labels(route).observe(seconds)
    if route in NOT_JUDGED:
        return
    JUDGED.inc()
    if status >= INTERNAL_SERVER_ERROR:
        FAILED.inc()
    if LATENCY.threshold_s is not None and seconds > LATENCY.threshold_s:
        SLOW.inc()
