"""A topic as it is told: the newest item of each key, and a log of the last changes for those who come back.

Every change has a number, `seq`, in the order in which it came, by which it is known what a client has been told. Its
Kafka partition and offset are how a client says where it left off, to whichever process.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import msgspec

from api.live.cursor import Position, encode_cursor
from api.live.items import ENDED_SHOWN, Item, Place, has_ended, is_newer, time_of

NOWHERE: Final = -1
"""The partition of what came from the database."""

_encoder = msgspec.json.Encoder()


class Change:
    """An item that took the place of another; encoded once, however many are told."""

    __slots__ = ("_encoded", "at", "item", "key", "known_since", "offset", "partition", "place", "seq")

    def __init__(self, seq: int, key: str, item: Item, place: Place, partition: int, offset: int, at: float) -> None:
        self.seq, self.key, self.item, self.place = seq, key, item, place
        self.partition, self.offset, self.at = partition, offset, at
        self.known_since = seq
        self._encoded: bytes | None = None

    def following(self, known: "Change | None") -> "Change":
        """With the number since which its key has been known without a break."""
        if known is not None:
            self.known_since = known.known_since
        return self

    @property
    def encoded(self) -> bytes:
        """The item as JSON."""
        if self._encoded is None:
            self._encoded = _encoder.encode(self.item)
        return self._encoded


@dataclass(eq=False)
class Topic:
    """One topic. `is_state`: of each key only the newest counts; of others every event is told.

    `most_items`: the longest unchanged are forgotten first, of events those that have ended before those that last.
    The log holds up to `most_logged` changes, none older than `logged_seconds`.
    """

    name: str
    is_state: bool
    most_items: int = 200_000
    most_logged: int = 200_000
    logged_seconds: float = 600.0
    items: dict[str, Change] = field(default_factory=dict)
    seq: int = 0
    position: dict[int, int] = field(default_factory=dict)
    log: deque[Change] = field(default_factory=deque)
    _logged_from: dict[int, int] = field(default_factory=dict)
    _forgotten: int = 0
    _cursor: str | None = None

    @property
    def cursor(self) -> str:
        """Of all that was put so far."""
        if self._cursor is None:
            self._cursor = encode_cursor(self.name, self.position)
        return self._cursor

    @property
    def oldest_cursor(self) -> str:
        """The oldest that can be gone on from."""
        return encode_cursor(self.name, self._logged_from)

    def start_at(self, position: Position) -> None:
        """From here on the log is whole; what it held before goes."""
        self.log.clear()
        self._forgotten = self.seq
        self.position = dict(position)
        self._logged_from = dict(position)
        self._cursor = None

    def put(self, item: Item, place: Place, now: float, partition: int = NOWHERE, offset: int = NOWHERE) -> bool:
        """Take `item` if it is newer than what is known of its key; whether it was."""
        key = item.key
        known = self.items.get(key)
        if known is not None:
            if not is_newer(item, known.item):
                return False
            del self.items[key]  # so that `items` stays in the order of `seq`
        self.seq += 1
        change = Change(self.seq, key, item, place, partition, offset, now).following(known)
        self.items[key] = change
        if partition != NOWHERE:
            self.log.append(change)
            self._trim(now)
        if len(self.items) > self.most_items:
            del self.items[self._least_wanted()]
        return True

    def amend(self, item: Item, place: Place, now: float) -> None:
        """Tell the same reading anew, since what it is judged by has changed; for those who come back it is state."""
        self.seq += 1
        key = item.key
        known = self.items.pop(key, None)
        self.items[key] = Change(self.seq, key, item, place, NOWHERE, NOWHERE, now).following(known)

    def moved(self, partition: int, next_offset: int) -> None:
        """All of the partition before `next_offset` was put."""
        self.position[partition] = next_offset
        self._cursor = None

    def snapshot(self) -> list[Change]:
        """What a new client is told: every item, but of events none that ended long before the newest."""
        changes = list(self.items.values())
        if self.is_state or not changes:
            return changes
        oldest = max(time_of(change.item) for change in changes) - ENDED_SHOWN
        return [change for change in changes if time_of(change.item) >= oldest or not has_ended(change.item)]

    def since(self, seq: int) -> list[Change]:
        """What has changed after number `seq`, oldest first: of a state its newest items, else every event."""
        changes = self.items.values() if self.is_state else self.log
        return list(_after(seq, reversed(changes)))[::-1]

    def remembers(self, seq: int) -> bool:
        """Whether every event after number `seq` is still in the log."""
        return self.is_state or seq >= self._forgotten

    def reaches(self, position: Position) -> bool:
        """Whether all before `position` was put: a client may come from a process that is ahead of this one."""
        return all(offset <= self.position.get(partition, 0) for partition, offset in position.items())

    def missed(self, position: Position) -> list[Change] | None:
        """What came at or after `position`, in order; None where the log does not go back so far.

        What is newer than the log's last of its key, from the database, comes behind it.
        """
        if set(position) != set(self._logged_from):
            return None
        if any(position[partition] < start for partition, start in self._logged_from.items()):
            return None
        logged = [change for change in self.log if change.offset >= position[change.partition]]
        return logged + self._newer_than(logged) if self.is_state else logged

    def _newer_than(self, logged: list[Change]) -> list[Change]:
        last = {change.key: change.seq for change in logged}
        known = (self.items[key] for key in last if key in self.items)
        return sorted((change for change in known if change.seq > last[change.key]), key=lambda change: change.seq)

    def _least_wanted(self) -> str:
        oldest = next(iter(self.items))
        if self.is_state:
            return oldest
        return next((key for key, change in self.items.items() if has_ended(change.item)), oldest)

    def _trim(self, now: float) -> None:
        while len(self.log) > self.most_logged or self.log[0].at < now - self.logged_seconds:
            gone = self.log.popleft()
            self._forgotten = gone.seq
            self._logged_from[gone.partition] = gone.offset + 1


def _after(seq: int, newest_first: Iterator[Change]) -> Iterator[Change]:
    for change in newest_first:
        if change.seq <= seq:
            return
        yield change
