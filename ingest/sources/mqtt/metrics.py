"""What the MQTT source counts."""

from typing import Final

from prometheus_client import Counter, Gauge

CONNECTIONS: Final = Gauge("urbanclear_ingest_mqtt_connections", "Connections to the MQTT broker now: 1, or 0")
INTERRUPTIONS: Final = Counter(
    "urbanclear_ingest_mqtt_interruptions_total", "Times that the MQTT broker was lost or could not be reached"
)
MESSAGES: Final = Counter(
    "urbanclear_ingest_mqtt_messages_total", "MQTT messages acknowledged: Kafka has what is in them"
)
