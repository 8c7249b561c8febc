"""When to ask a failing feed again: back-off with full jitter at first, then a circuit breaker.

    closed ── `failures` in a row ─► open ── `pause` over ─► half-open ── one good answer ─► closed
                                      ▲                          │
                                      └──────── it failed ───────┘

A poller asks one question at a time, so the two fit in one small machine of their own; a library's would bring
decorators and locks that have nothing to hold here.
"""

import random
import time
from collections.abc import Callable
from enum import IntEnum
from typing import Final

FAILURES: Final = 5
PAUSE_S: Final = 300.0
BACKOFF_BASE_S: Final = 5.0
BACKOFF_CAP_S: Final = 300.0

Draw = Callable[[float, float], float]  # a number between two


class State(IntEnum):
    """The breaker's state, and its value as a metric."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


def full_jitter_s(failures: int, draw: Draw) -> float:
    """The wait after so many failures in a row, 1 or more.

    Full jitter of M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015: anything between nothing
    and a bound that doubles.
    """
    return draw(0.0, min(BACKOFF_CAP_S, BACKOFF_BASE_S * 2.0 ** min(failures - 1, 32)))


class Breaker:
    """Told of every answer, it says how long to wait before the next question."""

    def __init__(
        self,
        *,
        failures: int = FAILURES,
        pause_s: float = PAUSE_S,
        clock: Callable[[], float] = time.monotonic,
        draw: Draw = random.uniform,
    ) -> None:
        self._most = failures
        self._pause_s = pause_s
        self._clock = clock
        self._draw = draw
        self._opened_at: float | None = None
        self.failures = 0  # in a row

    @property
    def state(self) -> State:
        """Closed: ask; open: do not; half-open: ask once, to try."""
        if self._opened_at is None:
            return State.CLOSED
        return State.OPEN if self._clock() < self._opened_at + self._pause_s else State.HALF_OPEN

    def succeed(self) -> None:
        """A good answer."""
        self.failures = 0
        self._opened_at = None

    def fail(self) -> float:
        """A failure; returns the seconds to wait."""
        self.failures += 1
        if self.failures < self._most:
            return full_jitter_s(self.failures, self._draw)
        self._opened_at = self._clock()
        return self._pause_s
