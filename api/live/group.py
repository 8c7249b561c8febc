"""Clients that want the same of a topic: each tick is encoded once and the same bytes are given to all of them.

    current   clients that have been told all up to the last tick: given the next tick's bytes
    behind    clients that have just come, or do not read: each with the number that it has been told up to

A client that is behind is told what it lacks, of a state only the newest, as soon as it can take it. It costs nothing
in between: there is no queue a client.
"""

import asyncio
import time
from math import inf
from typing import Final, Protocol

import msgspec

from api.live import metrics
from api.live.filters import Filter
from api.live.items import Item, has_ended
from api.live.messages import Lagged, Message, of_changes, snapshot_of, told, whole
from api.live.topic import Change, Topic

BREATH: Final = 200  # clients written to before others are let to run
MOST_EVENTS: Final = 1_000  # kept for a client that does not read
STALLED_SECONDS: Final = 60.0
NOTHING: Final = -1  # the number of a client that is to be told everything anew


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
        self._told_at = self._tried_at = -inf  # when changes were told, and when those behind were last seen to
        self._timer: asyncio.Handle | None = None
        self._timed_for = 0.0
        self._ticking: asyncio.Task[None] | None = None

    def join(self, outlet: Outlet, seq: int) -> None:
        """Tell `outlet` what comes after number `seq`."""
        self.behind[outlet] = Behind(seq)
        self.wake()

    def renew(self) -> None:
        """Tell everybody everything anew: what they know may lack something."""
        self.behind = {outlet: Behind(NOTHING) for outlet in (*self.current, *self.behind)}
        self.current.clear()
        self.wake()

    def leave(self, outlet: Outlet) -> None:
        self.current.discard(outlet)
        self.behind.pop(outlet, None)

    @property
    def is_empty(self) -> bool:
        return not (self.current or self.behind)

    @property
    def is_settled(self) -> bool:
        """Whether no tick is under way or to come."""
        return self._timer is None and self._ticking is None

    def wake(self) -> None:
        """See to it that a tick comes when it is due."""
        if self._ticking is not None or self.is_empty:
            return
        due = self._due()
        if self._timer is not None:
            if self._timed_for <= due:
                return
            self._timer.cancel()
        self._timed_for = due
        self._timer = asyncio.get_running_loop().call_at(due, self._begin)

    def _due(self) -> float:
        """An interval after changes were last told, however often those behind were seen to in between."""
        last = self._told_at if self.topic.seq > self.seq else self._tried_at
        return max(last + self.interval, 0.0)

    def _begin(self) -> None:
        self._timer = None
        if asyncio.get_running_loop().time() < self._due():
            self.wake()
        else:
            self._ticking = asyncio.create_task(self._tick())

    async def _tick(self) -> None:
        try:
            self._tried_at = asyncio.get_running_loop().time()
            if self.topic.seq > self.seq:
                self._told_at = self._tried_at
            await self._tell()
        finally:
            self._ticking = None
        if self.behind or self.seq < self.topic.seq:
            self.wake()

    async def _tell(self) -> None:
        """All messages are made before the first is written: what changes meanwhile is for the next tick."""
        before = self.seq
        is_new = self.topic.seq > before
        for outlet in self.current if is_new else ():
            if not outlet.is_ready():
                self.behind[outlet] = Behind(before)
        self.current.difference_update(self.behind)
        message = self._next_message() if is_new else None
        late = list(self.behind.items())
        lacking = {seq: self._lacking(seq) for seq in {behind.seq for outlet, behind in late if outlet.is_ready()}}
        if message is not None:
            await self._write_all(message)
        await self._catch_up(late, lacking)

    def _next_message(self) -> Message | None:
        """What has changed since the last tick; None where that is nothing that is wanted."""
        changes = self.topic.since(self.seq)
        encoded = self._deltas(changes) if self.delta else whole(self._wanted(changes))
        self.seq = self.topic.seq
        return self._update(encoded) if encoded else None

    async def _write_all(self, message: Message) -> None:
        written = 0
        for number, outlet in enumerate(list(self.current), 1):
            if outlet in self.current:
                outlet.write(message)
                written += 1
            if number % BREATH == 0:
                await asyncio.sleep(0)
        metrics.note_sent(message, written)

    async def _catch_up(self, late: list[tuple[Outlet, Behind]], lacking: dict[int, list[Message]]) -> None:
        """Bring those that can take it to where the group is."""
        for number, (outlet, behind) in enumerate(late, 1):
            if self.behind.get(outlet) is not behind:
                continue
            if behind.seq not in lacking or not outlet.is_ready():
                self._cut_if_stalled(outlet, behind)
                continue
            for message in lacking[behind.seq]:
                outlet.write(message)
                metrics.note_sent(message)
            del self.behind[outlet]
            self.current.add(outlet)
            if number % BREATH == 0:
                await asyncio.sleep(0)

    def _lacking(self, seq: int) -> list[Message]:
        """What a client lacks that was told up to number `seq`, whole items; or that events were dropped."""
        if seq == NOTHING:
            return [snapshot_of(self.topic, self.wanted)]
        if not self.topic.remembers(seq):
            return self._lagged(self.topic.seq - seq)
        changes = self._wanted(self.topic.since(seq))
        if not self.topic.is_state and len(changes) > MOST_EVENTS:
            return self._lagged(len(changes))
        return [self._update(whole(changes))] if changes else []

    def _lagged(self, dropped: int) -> list[Message]:
        """With deltas, what they are laid over is needed as well."""
        metrics.LAGGED.labels(self.topic.name).inc()
        message = told(Lagged(topic=self.topic.name, cursor=self.topic.cursor, dropped=dropped))
        return [message, snapshot_of(self.topic, self.wanted)] if self.delta else [message]

    def _wanted(self, changes: list[Change]) -> list[Change]:
        return changes if self.wanted.is_all else [change for change in changes if change in self.wanted]

    def _deltas(self, changes: list[Change]) -> list[bytes]:
        """All clients of the group know what was last told of a key, unless it was forgotten or over meanwhile."""
        encoded = []
        for change in changes:
            known = self._known.pop(change.key, None)
            if change not in self.wanted:
                continue
            self._known[change.key] = change.item
            if known is None or has_ended(known) or change.known_since > self.seq:
                encoded.append(change.encoded)
            else:
                encoded.append(msgspec.json.encode(change.item.changes(known)))
        while len(self._known) > self.topic.most_items:
            del self._known[next(iter(self._known))]
        return encoded

    def _update(self, encoded: list[bytes]) -> Message:
        return of_changes("update", self.topic.name, self.topic.cursor, encoded)

    def _cut_if_stalled(self, outlet: Outlet, behind: Behind) -> None:
        if time.monotonic() - behind.since > STALLED_SECONDS:
            self.leave(outlet)
            metrics.CUT.inc()
            outlet.cut()
