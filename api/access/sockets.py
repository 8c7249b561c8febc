"""Who may listen."""

from fastapi import WebSocket


class Denied(Exception):
    """The key that was shown does not do."""


async def authorise(websocket: WebSocket, key: str | None = None) -> bool:
    """Whether the client may listen."""
    return True
