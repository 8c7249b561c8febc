"""How much may be asked: by key, by address where no key is sent, of writes, and of keys that are wrong."""

import time
from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from typing import Final

from limits import RateLimitItem, parse
from limits.aio.strategies import FixedWindowRateLimiter

from api.access import metrics
from api.access.counters import Counters
from api.access.granted import Refused
from urbanclear.settings import Settings


class Policy(StrEnum):
    """What is counted, as headers and metrics call it."""

    KEY = "key"
    ADDRESS = "address"
    WRITES = "writes"
    FAILURES = "failures"


_WHAT: Final = {
    Policy.KEY: "requests with this key",
    Policy.ADDRESS: "requests from this address without a key",
    Policy.WRITES: "writes with this key",
    Policy.FAILURES: "wrong keys from this address",
}


@dataclass(frozen=True)
class Count:
    """Where somebody stands in a window."""

    policy: Policy
    limit: RateLimitItem
    remaining: int
    reset_s: int


class Limits:
    """The windows of everybody, in this process."""

    def __init__(self, settings: Settings) -> None:
        self._counters = FixedWindowRateLimiter(Counters())
        self._limits = {
            Policy.KEY: parse(settings.rate_per_key),
            Policy.ADDRESS: parse(settings.rate_per_address),
            Policy.WRITES: parse(settings.rate_writes),
            Policy.FAILURES: parse(settings.rate_failures),
        }

    async def count(self, policy: Policy, who: str) -> Count:
        """One more of `who`."""
        limit = self._limits[policy]
        within = await self._counters.hit(limit, policy, who)
        stats = await self._counters.get_window_stats(limit, policy, who)
        remaining = max(0, stats.remaining) if within else -1
        return Count(policy, limit, remaining, max(1, ceil(stats.reset_time - time.time())))

    async def exceeded(self, policy: Policy, who: str) -> Refused | None:
        """How `who` is refused where there is no room for another; nothing is counted."""
        limit = self._limits[policy]
        if await self._counters.test(limit, policy, who):
            return None
        stats = await self._counters.get_window_stats(limit, policy, who)
        return too_many(Count(policy, limit, -1, max(1, ceil(stats.reset_time - time.time()))))


def too_many(count: Count) -> Refused:
    """429, with when to come again."""
    metrics.RATE_LIMITED.labels(count.policy).inc()
    seconds = count.limit.get_expiry()
    detail = (
        f"More than {count.limit.amount} {_WHAT[count.policy]} within {seconds} s: ask again in {count.reset_s} s."
    )
    return Refused("too_many", 429, detail, {"Retry-After": str(count.reset_s)})


def headers_of(counts: list[Count]) -> dict[str, str]:
    """`RateLimit` and `RateLimit-Policy`, after draft-ietf-httpapi-ratelimit-headers-10."""
    if not counts:
        return {}
    return {
        "RateLimit": ", ".join(f'"{one.policy}";r={max(0, one.remaining)};t={one.reset_s}' for one in counts),
        "RateLimit-Policy": ", ".join(
            f'"{one.policy}";q={one.limit.amount};w={one.limit.get_expiry()}' for one in counts
        ),
    }
