"""The clock of a replay: events are due as far apart as they were, divided by the speed."""

import asyncio
import re
from collections.abc import Callable
from datetime import datetime
from typing import Final

from urbanclear.errors import ConfigurationError
from urbanclear.logs import get_logger

log = get_logger("ingest")

Clock = Callable[[], datetime]

LONG_WAIT_SECONDS: Final = 10.0


def parse_speed(text: str) -> float | None:
    """How many times faster than it happened: `60x`; None for `max`, as fast as possible."""
    if text == "max":
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)x", text)
    if match is None or not float(match[1]):
        raise ConfigurationError(
            f"{text!r} is no speed: give how many times faster than it happened, such as 1x, 60x or 600x, "
            "or max for as fast as possible."
        )
    return float(match[1])


class Pace:
    """Waits until a time is due. The first time asked for is due at once.

    With a `not_before`, the time of day, nothing is due before its own time has come.
    """

    def __init__(self, speed: float | None, not_before: Clock | None = None) -> None:
        self._speed = speed
        self._not_before = not_before
        self._first: datetime | None = None
        self._started = 0.0
        self._reached: datetime | None = None

    def is_due(self, time: datetime) -> bool:
        """Whether no wait is needed."""
        if self._reached is not None and time <= self._reached:
            return True
        if self._seconds_until(time) > 0:
            return False
        self._reached = time
        return True

    async def wait(self, time: datetime) -> None:
        """Return when `time` is due."""
        while (seconds := self._seconds_until(time)) > 0:
            if seconds > LONG_WAIT_SECONDS:
                log.info("replay.waiting", for_s=round(seconds), next_time=time.isoformat())
            await asyncio.sleep(seconds)
        self._reached = time

    def _seconds_until(self, time: datetime) -> float:
        by_clock = 0.0 if self._not_before is None else (time - self._not_before()).total_seconds()
        return max(by_clock, self._by_speed(time))

    def _by_speed(self, time: datetime) -> float:
        if self._speed is None:
            return 0.0
        now = asyncio.get_running_loop().time()
        if self._first is None:
            self._first, self._started = time, now
        return self._started + (time - self._first).total_seconds() / self._speed - now
