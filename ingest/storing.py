"""Transactions under way: two at once where their order does not matter, so that the server never waits for us.

They are finished in the order in which they came. Two may run at once when the second holds nothing but readings that
are newer than all before of their sensors: then neither can hold what the other does.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

from ingest.preparing import Prepared
from ingest.writer import Refused, Writer

WRITERS: Final = 2


@dataclass(frozen=True)
class Work:
    """A prepared batch and the epoch it belongs to."""

    epoch: int
    prepared: Prepared


@dataclass(frozen=True)
class UnderWay:
    """A batch that is being stored."""

    work: Work
    writer: Writer
    storing: asyncio.Task[list[Refused]]


class Storing:
    """The writers, and what each is at."""

    def __init__(self, database_url: str) -> None:
        self._idle = [Writer(database_url) for _ in range(WRITERS)]
        self._under_way: deque[UnderWay] = deque()

    @property
    def oldest(self) -> asyncio.Task[list[Refused]] | None:
        """The one that came first of those under way."""
        return self._under_way[0].storing if self._under_way else None

    def has_room_for(self, work: Work) -> bool:
        """Whether it may begin now."""
        return not self._under_way or (bool(self._idle) and not work.prepared.alone)

    def start(self, work: Work, store: Callable[[Writer], Coroutine[Any, Any, list[Refused]]]) -> None:
        """Begin to store it."""
        writer = self._idle.pop()
        self._under_way.append(UnderWay(work, writer, asyncio.create_task(store(writer))))

    async def oldest_stored(self) -> tuple[Work, list[Refused]]:
        """The one that came first, and what of it was refused, once it has ended; raises what it raised."""
        first = self._under_way[0]
        try:
            return first.work, await first.storing
        finally:
            self._under_way.popleft()
            self._idle.append(first.writer)

    async def cancel(self) -> None:
        """Break off what is under way."""
        tasks = [one.storing for one in self._under_way]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def close(self) -> None:
        """Let go of the connections."""
        for writer in [*self._idle, *(one.writer for one in self._under_way)]:
            await writer.close()
