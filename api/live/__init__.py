"""Changes as they happen: from Kafka to WebSocket clients."""
