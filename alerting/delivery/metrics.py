"""What Prometheus is told of deliveries."""

from typing import Final, get_args

from prometheus_client import Counter, Gauge, Histogram

from schema.alerting.addresses import ChannelKind

DELIVERIES: Final = Counter(
    "urbanclear_alerting_deliveries_total", "Attempts to deliver a notification", ["channel", "outcome"]
)
for _channel in get_args(ChannelKind):
    for _outcome in ("delivered", "failed", "given_up"):
        DELIVERIES.labels(_channel, _outcome)  # at 0, so that Prometheus sees the first one's rise
SECONDS: Final = Histogram(
    "urbanclear_alerting_delivery_seconds",
    "How long an attempt took",
    ["channel"],
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20),
)
WAITING: Final = Gauge("urbanclear_alerting_waiting_notifications", "Notifications to be delivered", ["channel"])
OLDEST: Final = Gauge(
    "urbanclear_alerting_oldest_due_seconds", "How long ago the oldest notification should have been tried"
)
GIVEN_UP: Final = Gauge("urbanclear_alerting_given_up_notifications", "Notifications that were given up", ["channel"])
BREAKERS: Final = Gauge("urbanclear_alerting_breakers_open", "Receivers that are left alone for a while", ["channel"])
