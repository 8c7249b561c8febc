"""Who is let in: so many clients in all and from one address, and so many messages a second from each."""

import time
from typing import Final

from fastapi import Response

from api.live import metrics
from api.live.hub import Hub
from urbanclear.settings import Settings

BURST_SECONDS: Final = 5.0


def refusal(hub: Hub, settings: Settings, address: str) -> Response | None:
    """What a client is answered that cannot be let in; None where it can."""
    retry = {"Retry-After": str(round(hub.retry_after()))}
    if hub.clients.total() >= settings.live_clients:
        metrics.REFUSED.labels("full").inc()
        return Response("There are as many clients as are allowed: come again later.\n", 503, retry)
    if hub.clients[address] >= settings.live_clients_per_address:
        metrics.REFUSED.labels("address").inc()
        return Response("There are as many clients from this address as are allowed.\n", 429, retry)
    return None


class Pace:
    """How many messages a client may still send: `rate` a second, a few seconds' worth at once (token bucket)."""

    __slots__ = ("_at", "_left", "_rate")

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._left = rate * BURST_SECONDS
        self._at = time.monotonic()

    def allows(self) -> bool:
        """Whether one more may come; it counts."""
        now = time.monotonic()
        self._left = min(self._rate * BURST_SECONDS, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
