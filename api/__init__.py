"""What apps and people ask: REST, the WebSocket bridge and the live page."""
