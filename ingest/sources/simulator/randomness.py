"""Randomness that is a function of what it is for: the same seed, purpose and moment give the same draw."""

from datetime import UTC, date, datetime, timedelta
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ingest.sources.simulator.vectors import Vector

Words = NDArray[np.uint64]

WORD: Final = 2**64 - 1
GOLDEN: Final = np.array([0x9E3779B97F4A7C15], dtype=np.uint64)
FIRST: Final = np.array([0xBF58476D1CE4E5B9], dtype=np.uint64)
SECOND: Final = np.array([0x94D049BB133111EB], dtype=np.uint64)


class Purpose(IntEnum):
    """What a stream of draws is for; each has its own."""

    ROADS = 1
    DAYS = 2
    WEATHER = 3
    INCIDENTS = 4
    FAILURES = 5
    NOISE = 6
    DETECTORS = 7
    FRAILTY = 8
    STUTTERS = 9


def generator(seed: int, purpose: Purpose, *moment: int) -> np.random.Generator:
    """Draws for `purpose` at `moment`, one after the other."""
    return np.random.default_rng([seed, int(purpose), *moment])


def uniforms(seed: int, purpose: Purpose, *moment: int | NDArray[np.int64]) -> Vector:
    """One draw from (0, 1] for each element of the moment's arrays, the same whatever elements stand beside it.

    The moment is hashed word by word with SplitMix64's finalizer (Steele, Lea, Flood: Fast splittable pseudorandom
    number generators, OOPSLA 2014).
    """
    state = _mixed(_words(seed) + GOLDEN)
    for word in (int(purpose), *moment):
        state = _mixed(state + (_words(word) + np.uint64(1)) * GOLDEN)
    return ((state >> np.uint64(11)) + np.uint64(1)).astype(np.float64) * 2.0**-53


def normals(seed: int, purpose: Purpose, *moment: int | NDArray[np.int64]) -> tuple[Vector, Vector]:
    """Two independent standard normal draws for each element (Box and Muller, 1958)."""
    radius = np.sqrt(-2 * np.log(uniforms(seed, purpose, *moment, 0)))
    angle = 2 * np.pi * uniforms(seed, purpose, *moment, 1)
    return radius * np.cos(angle), radius * np.sin(angle)


def day_number(time: datetime) -> int:
    """The UTC day as a number, for use as a moment."""
    return time.astimezone(UTC).date().toordinal()


def day_start(number: int) -> datetime:
    """When that day begins."""
    return datetime.combine(date.fromordinal(number), datetime.min.time(), UTC)


def within_day(number: int, seconds: float) -> datetime:
    """A moment of that day, on a whole second."""
    return day_start(number) + timedelta(seconds=int(seconds))


def _words(value: ArrayLike) -> Words:
    """At least one-dimensional: arithmetic of numpy's scalars would warn where that of arrays wraps."""
    if isinstance(value, int):
        return np.array([value & WORD], dtype=np.uint64)
    return np.atleast_1d(np.asarray(value)).astype(np.uint64)


def _mixed(state: Words) -> Words:
    state = (state ^ (state >> np.uint64(30))) * FIRST
    state = (state ^ (state >> np.uint64(27))) * SECOND
    return state ^ (state >> np.uint64(31))
