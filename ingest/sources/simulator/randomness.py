"""Randomness that is a function of what it is for: the same seed, purpose and moment give the same draw."""

from datetime import UTC, date, datetime, timedelta
from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What a stream of draws is for; each has its own."""

    ROADS = 1
    DAYS = 2
    WEATHER = 3
    INCIDENTS = 4
    FAILURES = 5
    NOISE = 6


def generator(seed: int, purpose: Purpose, *moment: int) -> np.random.Generator:
    """Draws for `purpose` at `moment`."""
    return np.random.default_rng([seed, int(purpose), *moment])


def day_number(time: datetime) -> int:
    """The UTC day as a number, for use as a moment."""
    return time.astimezone(UTC).date().toordinal()


def day_start(number: int) -> datetime:
    """When that day begins."""
    return datetime.combine(date.fromordinal(number), datetime.min.time(), UTC)


def within_day(number: int, seconds: float) -> datetime:
    """A moment of that day, on a whole second."""
    return day_start(number) + timedelta(seconds=int(seconds))
