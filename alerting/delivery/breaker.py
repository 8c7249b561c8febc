"""A receiver that keeps failing is left alone for a while, so that it holds up nobody and is not hammered."""

import time
from collections.abc import Callable

from alerting.delivery.pace import Pace


class Breaker:
    """Open while its receiver is left alone; half open, one message is tried. One a receiver."""

    def __init__(self, pace: Pace, clock: Callable[[], float] = time.monotonic) -> None:
        self._pace = pace
        self._clock = clock
        self._failures = 0
        self._openings = 0
        self._until = 0.0

    @property
    def failing(self) -> bool:
        """Whether it was opened and has not closed since."""
        return self._openings > 0

    def remaining_s(self) -> float:
        """How much longer the receiver is left alone; 0 where it may be tried."""
        return max(0.0, self._until - self._clock()) if self.failing else 0.0

    def width(self, width: int) -> int:
        """How many tries may run at once, of `width` at best."""
        if self.remaining_s() > 0:
            return 0
        return 1 if self.failing else width

    def succeeded(self) -> None:
        self._failures = self._openings = 0

    def failed(self) -> None:
        if self.remaining_s() > 0:  # it was being tried already when it was opened
            return
        self._failures += 1
        if self._failures >= self._pace.failures or self.failing:
            self._openings += 1
            pause = self._pace.pause_s * 2.0 ** min(self._openings - 1, 30)
            self._until = self._clock() + min(pause, self._pace.longest_wait_s)
