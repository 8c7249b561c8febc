"""What the API counts."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

REQUESTS: Final = Counter(
    "urbanclear_api_requests_total", "Requests answered, by method, route and status", ["method", "route", "status"]
)
REQUEST_SECONDS: Final = Histogram(
    "urbanclear_api_request_seconds",
    "From a request's arrival to the start of its answer, by route",
    ["route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
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
