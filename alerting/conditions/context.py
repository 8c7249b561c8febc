"""What the rules of one round have in common: the moment, the city's calendar, and what has been read for it.

Ten rules about a thousand sensors' newest readings read them once.
"""

from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from urbanclear.settings import Settings

T = TypeVar("T")


@dataclass(frozen=True)
class Context:
    """One round of evaluations, at `now`; made anew for the next."""

    now: datetime
    time_zone: str
    holidays: str
    _known: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, settings: Settings, now: datetime | None = None) -> "Context":
        return cls(now or datetime.now(UTC), settings.time_zone, settings.holidays)

    async def once(self, what: Hashable, read: Callable[[], Awaitable[T]]) -> T:
        """What `read` gives, or gave before in this round."""
        if what not in self._known:
            self._known[what] = await read()
        known: T = self._known[what]
        return known
