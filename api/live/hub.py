"""All topics, and who listens to what: groups of clients that want the same."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterable
from typing import Final, NamedTuple

from api.live import metrics
from api.live.cursor import decode_cursor
from api.live.filters import Filter
from api.live.group import Group, Outlet
from api.live.messages import Message, Subscribe, of_changes, snapshot_of, whole
from api.live.topic import Topic

MOST_RESUMED: Final = 10_000
AHEAD_SECONDS: Final = 2.0
FILLED_SECONDS: Final = 8.0  # sooner than a page gives a connection up that says nothing
RETURN_PER_SECOND: Final = 500.0
"""How many clients a second are asked back after all of them were sent away."""


NO_ROOM: Final = "There are as many different subscriptions as are allowed: use fewer filters"


class Wants(NamedTuple):
    """What makes subscriptions share a group."""

    topic: str
    wanted: Filter
    interval: float
    delta: bool


class TooMany(Exception):
    """As many distinct subscriptions, or clients, as are allowed are there."""


class NotFilled(Exception):
    """The log is not there yet: after a start Kafka has not been read to its end."""


class Hub:
    """Topics, groups, and how many clients there are: by address, and those that follow an event stream."""

    def __init__(self, topics: Iterable[Topic], *, most_groups: int = 2_000) -> None:
        self.topics = {topic.name: topic for topic in topics}
        self.groups: dict[Wants, Group] = {}
        self.clients: Counter[str] = Counter()
        self.streams: set[Outlet] = set()
        self.moved = asyncio.Event()
        self.filled = asyncio.Event()
        self._most_groups = most_groups

    def tell(self) -> None:
        """Let every group know that there is something new; to be called once for many changes."""
        for group in self.groups.values():
            if group.topic.seq > group.seq:
                group.wake()
        self.moved.set()
        self.moved = asyncio.Event()

    def renew(self, topics: Iterable[str]) -> None:
        """Tell those who listen to `topics` everything anew: the log began anew, and they may lack something."""
        names = set(topics)
        for group in self.groups.values():
            if group.topic.name in names:
                group.renew()

    async def first(self, asked: Subscribe, wanted: Filter) -> tuple[Message, int]:
        """What a subscription begins with, and the number up to which that tells: what was missed, or a snapshot.

        Raises `ValueError` for a `since` that is no cursor of the topic, `NotFilled` where it is too soon to tell.
        """
        topic = self.topics[asked.topic]
        if asked.since is None:
            return self._snapshot(topic, wanted, "")
        position = decode_cursor(topic.name, asked.since)
        await self._log_filled()
        await self._caught_up(topic, position)
        missed = topic.missed(position) if topic.reaches(position) else None
        if missed is None or len(missed) > MOST_RESUMED:
            return self._snapshot(topic, wanted, "too_far_back")
        metrics.RESUMED.labels(topic.name).inc()
        changes = [change for change in missed if change in wanted]
        return of_changes("update", topic.name, topic.cursor, whole(changes)), topic.seq

    def subscribe(self, asked: Subscribe, wanted: Filter, outlet: Outlet, seq: int) -> Group:
        """Tell `outlet` what comes after number `seq`; raises `TooMany`."""
        if not self.has_room_for(asked, wanted):
            raise TooMany(NO_ROOM)
        wants = Wants(asked.topic, wanted, asked.interval, asked.delta)
        group = self.groups.get(wants)
        if group is None:
            group = self.groups[wants] = Group(self.topics[asked.topic], wanted, asked.interval, delta=asked.delta)
            metrics.GROUPS.set(len(self.groups))
        group.join(outlet, seq)
        metrics.SUBSCRIPTIONS.labels(asked.topic).inc()
        return group

    def has_room_for(self, asked: Subscribe, wanted: Filter) -> bool:
        """Whether there are fewer distinct subscriptions than are allowed, or the same one is there."""
        wants = Wants(asked.topic, wanted, asked.interval, asked.delta)
        return wants in self.groups or len(self.groups) < self._most_groups

    def enter(self, address: str) -> None:
        self.clients[address] += 1

    def leave(self, address: str) -> None:
        self.clients[address] -= 1
        if not self.clients[address]:
            del self.clients[address]

    def unsubscribe(self, group: Group, outlet: Outlet) -> None:
        group.leave(outlet)
        metrics.SUBSCRIPTIONS.labels(group.topic.name).dec()
        if group.is_empty:
            wants = Wants(group.topic.name, group.wanted, group.interval, group.delta)
            self.groups.pop(wants, None)
            metrics.GROUPS.set(len(self.groups))

    def end_streams(self) -> None:
        """Let go of the clients whose connection ends only when they are told so: the server stops."""
        for outlet in self.streams:
            outlet.cut()

    def retry_after(self) -> float:
        """Seconds after which one of many clients should come back, at random, so that they do not come at once."""
        spread = max(5.0, self.clients.total() / RETURN_PER_SECOND)
        return round(1.0 + random.uniform(0, spread), 1)  # noqa: S311

    def _snapshot(self, topic: Topic, wanted: Filter, reason: str) -> tuple[Message, int]:
        metrics.SNAPSHOTS.labels(topic.name, reason or "new").inc()
        return snapshot_of(topic, wanted, reason), topic.seq

    async def _log_filled(self) -> None:
        try:
            async with asyncio.timeout(FILLED_SECONDS):
                await self.filled.wait()
        except TimeoutError:
            raise NotFilled from None

    async def _caught_up(self, topic: Topic, position: dict[int, int]) -> None:
        """Wait a little for a client that was told by a process that is ahead of this one."""
        try:
            async with asyncio.timeout(AHEAD_SECONDS):
                while not topic.reaches(position):
                    await self.moved.wait()
        except TimeoutError:
            return
