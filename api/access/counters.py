"""How often something happened in its window, in memory: what `limits` counts with.

Its own storage looks through all counters with every request; this one forgets those that have ended now and then.
"""

import time
from typing import Final

from limits.aio.storage import Storage

SWEEP_SECONDS: Final = 10.0
MOST: Final = 100_000


class Counters(Storage):
    """Counters by key; beyond `MOST` the oldest is forgotten."""

    STORAGE_SCHEME = None

    def __init__(self) -> None:
        super().__init__()
        self._counters: dict[str, tuple[int, float]] = {}
        self._sweep_at = time.time() + SWEEP_SECONDS

    @property
    def base_exceptions(self) -> type[Exception]:
        return OSError  # nothing here raises

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        now = time.time()
        if now >= self._sweep_at:
            self._sweep(now)
        count, ends = self._counters.get(key, (0, 0.0))
        if ends <= now:
            self._counters.pop(key, None)  # a new one is the youngest
            count, ends = 0, now + expiry
            if len(self._counters) >= MOST:
                del self._counters[next(iter(self._counters))]
        self._counters[key] = count + amount, ends
        return count + amount

    async def get(self, key: str) -> int:
        count, ends = self._counters.get(key, (0, 0.0))
        return count if ends > time.time() else 0

    async def get_expiry(self, key: str) -> float:
        return self._counters.get(key, (0, time.time()))[1]

    async def check(self) -> bool:
        return True

    async def reset(self) -> int:
        count = len(self._counters)
        self._counters.clear()
        return count

    async def clear(self, key: str) -> None:
        self._counters.pop(key, None)

    def _sweep(self, now: float) -> None:
        self._counters = {key: counter for key, counter in self._counters.items() if counter[1] > now}
        self._sweep_at = now + SWEEP_SECONDS
