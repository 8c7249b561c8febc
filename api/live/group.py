"""Clients that want the same of a topic: each tick is encoded once and the same bytes are given to all of them.

    current   clients that have been told all up to the last tick: given the next tick's bytes
    behind    clients that have just come, or do not read: each with the number that it has been told up to

A client that is behind is told what it lacks, of a state only the newest, as soon as it can take it. It costs nothing
in between: there is no queue a client.
"""

import asyncio
import time
from typing import Final, Protocol

import msgspec

from api.live import metrics
from api.live.filters import Filter
from api.live.items import Item
from api.live.messages import Lagged, Message, of_changes, told, whole
from api.live.topic import Change, Topic

BREATH: Final = 200  # clients written to before others are let to run
MOST_EVENTS: Final = 1_000  # kept for a client that does not read
STALLED_SECONDS: Final = 60.0


class Outlet(Protocol):
    """The way to one client."""

    def is_ready(self) -> bool:
        """Whether it would take a message now, rather than heap it up."""

    def write(self, message: Message) -> None:
        """Hand over; never waits."""

    def cut(self) -> None:
        """Give the client up."""


class Behind:
    """How far a client was told, and since when it has not been ready."""

    __slots__ = ("seq", "since")

    def __init__(self, seq: int) -> None:
        self.seq = seq
        self.since = time.monotonic()


class Group:
    """One topic, filter, interval and form."""

    def __init__(self, topic: Topic, wanted: Filter, interval: float, *, delta: bool) -> None:
        self.topic, self.wanted, self.interval, self.delta = topic, wanted, interval, delta
        self.current: set[Outlet] = set()
        self.behind: dict[Outlet, Behind] = {}
        self.seq = topic.seq
        told = topic.items.values() if delta else ()
        self._known: dict[str, Item] = {change.key: change.item for change in told if change in wanted}
        self._ticked_at = 0.0
        self._ticking: asyncio.Task[None] | None = None

    def join(self, outlet: Outlet, seq: int) -> None:
        """Tell `outlet` what comes after number `seq`."""
        self.behind[outlet] = Behind(seq)
        self.wake()

    def leave(self, outlet: Outlet) -> None:
        self.current.discard(outlet)
        self.behind.pop(outlet, None)

    @property
    def is_empty(self) -> bool:
        return not (self.current or self.behind)

    def wake(self) -> None:
        """See to it that a tick comes, no sooner than an interval after the last."""
        if self._ticking is None and not self.is_empty:
            self._ticking = asyncio.create_task(self._tick())

    async def _tick(self) -> None:
        try:
            wait = self._ticked_at + self.interval - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            self._ticked_at = time.monotonic()
            await self._tell()
        finally:
            self._ticking = None
        if self.behind or self.seq < self.topic.seq:
            self.wake()

    async def _tell(self) -> None:
        before, now, cursor = self.seq, self.topic.seq, self.topic.cursor
        for outlet in self.current if now > before else ():
            if not outlet.is_ready():
                self.behind[outlet] = Behind(before)
        self.current.difference_update(self.behind)
        message = self._next_message() if now > before else None
        late = list(self.behind.items())
        if message is not None:
            await self._write_all(message)
        await self._catch_up(late, now, cursor)

    def _next_message(self) -> Message | None:
        """What has changed since the last tick; None where that is nothing that is wanted."""
        changes = self._changes(self.seq)
        encoded = self._deltas(changes) if self.delta else whole(changes)
        self.seq = self.topic.seq
        return self._update(encoded, self.topic.cursor) if encoded else None

    async def _write_all(self, message: Message) -> None:
        for number, outlet in enumerate(list(self.current), 1):
            if outlet in self.current:
                outlet.write(message)
            if number % BREATH == 0:
                await asyncio.sleep(0)
        metrics.MESSAGES.inc(len(self.current))

    async def _catch_up(self, late: list[tuple[Outlet, Behind]], now: int, cursor: str) -> None:
        """Bring those that can take it up to number `now`, where the group is."""
        made: dict[int, Message | None] = {}
        for number, (outlet, behind) in enumerate(late, 1):
            if self.behind.get(outlet) is not behind:
                continue
            if not outlet.is_ready():
                self._cut_if_stalled(outlet, behind)
                continue
            if behind.seq not in made:
                made[behind.seq] = self._lacking(behind.seq, now, cursor)
            if (message := made[behind.seq]) is not None:
                outlet.write(message)
                metrics.MESSAGES.inc()
            del self.behind[outlet]
            self.current.add(outlet)
            if number % BREATH == 0:
                await asyncio.sleep(0)

    def _lacking(self, seq: int, now: int, cursor: str) -> Message | None:
        """What a client lacks that was told up to number `seq`, whole items; or that events were dropped."""
        changes = (
            [change for change in self._changes(seq) if change.seq <= now] if self.topic.remembers(seq) else None
        )
        if changes is None or (not self.topic.is_state and len(changes) > MOST_EVENTS):
            metrics.LAGGED.labels(self.topic.name).inc()
            return told(Lagged(topic=self.topic.name, cursor=cursor, dropped=now - seq))
        return self._update(whole(changes), cursor) if changes else None

    def _changes(self, seq: int) -> list[Change]:
        changes = self.topic.since(seq)
        return changes if self.wanted.is_all else [change for change in changes if change in self.wanted]

    def _deltas(self, changes: list[Change]) -> list[bytes]:
        encoded = []
        for change in changes:
            known = self._known.get(change.key)
            self._known[change.key] = change.item
            encoded.append(change.encoded if known is None else msgspec.json.encode(change.item.changes(known)))
        return encoded

    def _update(self, encoded: list[bytes], cursor: str) -> Message:
        return of_changes("update", self.topic.name, cursor, encoded)

    def _cut_if_stalled(self, outlet: Outlet, behind: Behind) -> None:
        if time.monotonic() - behind.since > STALLED_SECONDS:
            self.leave(outlet)
            metrics.CUT.inc()
            outlet.cut()
