"""The clock of a replay: events are due as far apart as they were, divided by the speed."""

import asyncio
import re
from datetime import datetime
from typing import Final

from urbanclear.errors import ConfigurationError
from urbanclear.logs import get_logger

log = get_logger("ingest")

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
    """Waits until a time is due. The first time asked for is due at once."""

    def __init__(self, speed: float | None) -> None:
        self._speed = speed
        self._started = 0.0
        self._first: datetime | None = None
        self._reached: datetime | None = None

    def is_due(self, time: datetime) -> bool:
        """Whether no wait is needed, found out cheaply."""
        return self._speed is None or time == self._reached

    async def wait(self, time: datetime) -> None:
        """Return when `time` is due."""
        clock = asyncio.get_running_loop().time
        if self._speed is None:
            return
        if self._first is None:
            self._first, self._started = time, clock()
        due = self._started + (time - self._first).total_seconds() / self._speed
        seconds = due - clock()
        if seconds > LONG_WAIT_SECONDS:
            log.info("replay.waiting", for_s=round(seconds), next_time=time.isoformat())
        if seconds > 0:
            await asyncio.sleep(seconds)
        self._reached = time
