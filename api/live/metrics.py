"""What the live bridge counts."""

from typing import Final

from prometheus_client import Counter, Gauge

from api.live.messages import Message

CLIENTS: Final = Gauge("urbanclear_api_websocket_clients", "WebSocket clients connected now")
STREAMS: Final = Gauge("urbanclear_api_event_stream_clients", "Clients of Server-Sent Events connected now")
SUBSCRIPTIONS: Final = Gauge("urbanclear_api_subscriptions", "Subscriptions now, by topic", ["topic"])
GROUPS: Final = Gauge("urbanclear_api_subscription_groups", "Distinct topics, filters and forms subscribed to now")
MESSAGES: Final = Counter("urbanclear_api_websocket_messages_total", "Messages sent to clients of the live bridge")
BYTES: Final = Counter(
    "urbanclear_api_websocket_bytes_total", "Bytes of the messages sent to clients of the live bridge"
)
SNAPSHOTS: Final = Counter(
    "urbanclear_api_snapshots_total", "Snapshots sent, by topic and why: new, or too_far_back", ["topic", "reason"]
)
RESUMED: Final = Counter(
    "urbanclear_api_resumed_total", "Subscriptions that went on from a cursor, by topic", ["topic"]
)
LAGGED: Final = Counter(
    "urbanclear_api_lagged_total",
    "Times that events were dropped for a slow client, by topic",
    ["topic"],
)
CUT: Final = Counter("urbanclear_api_websocket_cut_total", "Clients given up because they did not read")
REFUSED: Final = Counter(
    "urbanclear_api_websocket_refused_total", "Connections and messages refused, by reason", ["reason"]
)
EVENTS: Final = Counter(
    "urbanclear_api_bridge_events_total", "Events taken from Kafka for live clients, by topic", ["topic"]
)
SKIPPED: Final = Counter(
    "urbanclear_api_bridge_skipped_total", "Messages in Kafka that are no valid events, by topic", ["topic"]
)
CONNECTED: Final = Gauge("urbanclear_api_bridge_connected", "1 while the bridge follows Kafka")
EVENT_AGE: Final = Gauge(
    "urbanclear_api_bridge_event_age_seconds", "Age of the newest event taken from Kafka, by topic", ["topic"]
)


def note_sent(message: Message, clients: int = 1) -> None:
    """Count a message that was handed to so many clients."""
    MESSAGES.inc(clients)
    BYTES.inc(clients * len(message.text))


def total(counter: Counter) -> int:
    """Of all labels, since the process began."""
    samples = (sample for metric in counter.collect() for sample in metric.samples)
    return int(sum(sample.value for sample in samples if sample.name.endswith("_total")))
