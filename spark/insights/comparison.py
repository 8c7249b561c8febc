"""When two spans can be compared: where about as much was observed in both.

A sensor that fails must not look like a road that got better, nor a first week like one that got worse.
"""

from typing import Final, Protocol, TypeVar

LEAST_SHARE: Final = 0.8
"""Of the observations of one span that the other has to have."""


class Observed(Protocol):
    """A figure with the number of 5 minutes observed behind it."""

    @property
    def good_share(self) -> float | None: ...

    @property
    def buckets(self) -> int: ...


T = TypeVar("T", bound=Observed)


def comparable(now: T, before: T | None) -> T | None:
    """`before`, where it has about as many observations as `now`; else None."""
    if before is None:
        return None
    fewer, more = sorted((now.buckets, before.buckets))
    return before if fewer >= LEAST_SHARE * more else None
