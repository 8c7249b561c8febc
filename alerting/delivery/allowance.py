"""How many more messages a channel may send now: at most so many in any stretch of the rate's length."""

import time
from collections import deque
from collections.abc import Callable
from typing import Final

_SECONDS: Final = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}


class Allowance:
    """`rate` as in settings: `100/minute`."""

    def __init__(self, rate: str, clock: Callable[[], float] = time.monotonic) -> None:
        most, _, unit = rate.partition("/")
        self._most = int(most)
        self._length = _SECONDS[unit]
        self._clock = clock
        self._taken: deque[tuple[float, int]] = deque()
        self._count = 0

    def left(self) -> int:
        """How many may be sent now."""
        began = self._clock() - self._length
        while self._taken and self._taken[0][0] <= began:
            self._count -= self._taken.popleft()[1]
        return self._most - self._count

    def take(self, messages: int) -> None:
        """Note that so many are sent now."""
        if messages:
            self._taken.append((self._clock(), messages))
            self._count += messages
