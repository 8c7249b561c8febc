"""What clients say and what they are told, as structs: the AsyncAPI document is made of the same."""

from typing import Annotated, Any, Final, Literal
from weakref import WeakKeyDictionary

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from api.live.filters import MOST_AREAS, MOST_SENSORS, Filter, Name
from api.live.topic import Change, Topic

TopicName = Annotated[str, Meta(max_length=50, description="traffic, incidents, predictions or alerts")]
Cursor = Annotated[str, Meta(max_length=4096, description="where this leaves off, for `since`")]

DEFAULT_INTERVAL: Final = 0.25
LEAST_INTERVAL, LONGEST_INTERVAL = 0.1, 3600.0


class Subscribe(Struct, tag="subscribe", frozen=True, forbid_unknown_fields=True):
    """Be told of a topic: a snapshot, then what changes. Said again, it takes the place of what was said before."""

    topic: TopicName
    areas: Annotated[list[Name], Meta(max_length=MOST_AREAS, min_length=1)] | None = None
    sensors: Annotated[list[Name], Meta(max_length=MOST_SENSORS, min_length=1)] | None = None
    bbox: tuple[float, float, float, float] | None = None
    interval: Annotated[float, Meta(ge=LEAST_INTERVAL, le=LONGEST_INTERVAL, description="seconds")] = DEFAULT_INTERVAL
    since: Annotated[str, Meta(max_length=4096)] | None = None
    delta: bool = False


class Unsubscribe(Struct, tag="unsubscribe", frozen=True, forbid_unknown_fields=True):
    """No more of a topic."""

    topic: TopicName


class Authenticate(Struct, tag="authenticate", frozen=True, forbid_unknown_fields=True):
    """Show a key, where no header could carry it."""

    key: Annotated[str, Meta(max_length=8192)]


class Ping(Struct, tag="ping", frozen=True, forbid_unknown_fields=True):
    """Ask for a pong, where a program cannot see the protocol's own pings."""


Said = Subscribe | Unsubscribe | Authenticate | Ping
decode_said: Final = msgspec.json.Decoder(Said).decode


class Snapshot(Struct, tag="snapshot"):
    """All items now; `reason` says why it comes instead of what was missed."""

    topic: TopicName
    cursor: Cursor
    items: list[Any]
    reason: Literal["too_far_back"] | UnsetType = UNSET


class Update(Struct, tag="update"):
    """What has changed, in order; with `delta`, only the fields that did."""

    topic: TopicName
    cursor: Cursor
    items: list[Any]


class Lagged(Struct, tag="lagged"):
    """Events were dropped, because the client read too slowly; it goes on from `cursor`."""

    topic: TopicName
    cursor: Cursor
    dropped: Annotated[int, Meta(description="how many events of the topic, at most")]


class Error(Struct, tag="error"):
    """What was said could not be understood or is not allowed; the connection stays."""

    code: Literal["bad_request", "unknown_topic", "bad_cursor", "too_many", "unauthorised"]
    message: str


class Pong(Struct, tag="pong"):
    """The answer to a ping."""


class Authenticated(Struct, tag="authenticated"):
    """The key is accepted."""


Told = Snapshot | Update | Lagged | Error | Pong | Authenticated


class Message:
    """Bytes for many: framed once for WebSocket clients, once for those of Server-Sent Events."""

    __slots__ = ("_event", "_frame", "cursor", "text")

    def __init__(self, text: bytes, cursor: str = "") -> None:
        self.text, self.cursor = text, cursor
        self._frame: bytes | None = None
        self._event: bytes | None = None

    @property
    def frame(self) -> bytes:
        """A text frame of a server, which is not masked and so the same for all (RFC 6455, 5.2)."""
        if self._frame is None:
            self._frame = _header(len(self.text)) + self.text
        return self._frame

    @property
    def event(self) -> bytes:
        """An event of a stream (HTML standard, 9.2); JSON has no line breaks."""
        if self._event is None:
            number = f"id: {self.cursor}\n".encode() if self.cursor else b""
            self._event = number + b"data: " + self.text + b"\n\n"
        return self._event


_last_made: Final[WeakKeyDictionary[Topic, tuple[tuple[Filter, str, str, int], Message]]] = WeakKeyDictionary()


def _header(length: int) -> bytes:
    if length < 126:
        return bytes((0x81, length))
    if length < 65_536:
        return b"\x81\x7e" + length.to_bytes(2, "big")
    return b"\x81\x7f" + length.to_bytes(8, "big")


def told(message: Told) -> Message:
    """A message made for one."""
    return Message(msgspec.json.encode(message), getattr(message, "cursor", ""))


def of_changes(kind: str, topic: str, cursor: str, encoded: list[bytes], reason: str = "") -> Message:
    """A `snapshot` or `update` of items that are encoded already."""
    extra = f',"reason":"{reason}"' if reason else ""
    head = f'{{"type":"{kind}","topic":"{topic}","cursor":"{cursor}"{extra},"items":['
    return Message(b"".join((head.encode(), b",".join(encoded), b"]}")), cursor)


def snapshot_of(topic: Topic, wanted: Filter, reason: str = "") -> Message:
    """All that is wanted of a topic now; the same message for all who ask before it changes."""
    asked = (wanted, reason, topic.cursor, topic.seq)
    made = _last_made.get(topic)
    if made is None or made[0] != asked:
        changes = [change for change in topic.snapshot() if change in wanted]
        made = asked, of_changes("snapshot", topic.name, topic.cursor, whole(changes), reason)
        _last_made[topic] = made
    return made[1]


def whole(changes: list[Change]) -> list[bytes]:
    """The items as they are."""
    return [change.encoded for change in changes]
