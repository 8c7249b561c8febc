"""Dead letters as those who mend them see them: what was rejected, why, where it came from, and whether it is open.

A letter that was retried is answered in its own topic, by a message on its own partition with the header `retried`
and no value. Letters without such an answer are open.
"""

import heapq
import re
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final, NamedTuple

from aiokafka import ConsumerRecord

from schema import topics
from schema.topic_reader import TopicReader
from urbanclear.errors import ConfigurationError

RETRIED: Final = "retried"
EXCERPT_BYTES: Final = 400
_TOPICS: Final = "|".join(re.escape(topic.name) for topic in topics.ALL if topic.event is not None)
_ORIGIN: Final = re.compile(rf"({_TOPICS})/(\d{{1,9}})/\d{{1,19}}(?:/\d{{1,9}})?")
_ID: Final = re.compile(r"(\d{1,9})/(\d{1,18})")


class LetterId(NamedTuple):
    """Where a letter stands in the topic of dead letters."""

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}/{self.offset}"


class Origin(NamedTuple):
    """The topic and partition that a message was rejected from."""

    topic: str
    partition: int


@dataclass(frozen=True)
class Letter:
    """A dead letter. `origin` says where it stood: topic, partition and offset, or a source's own words."""

    id: LetterId
    time: datetime
    reason: str
    detail: str
    origin: str
    value: bytes

    @property
    def came_from(self) -> Origin | None:
        """Where it can be sent again; None for what never was in a topic."""
        match = _ORIGIN.fullmatch(self.origin)
        return Origin(match[1], int(match[2])) if match else None


@dataclass(frozen=True)
class Wanted:
    """Which letters are asked for; nothing said is all of them."""

    reason: str | None = None
    topic: str | None = None
    since: datetime | None = None

    def __contains__(self, letter: Letter) -> bool:
        return (
            (self.reason is None or letter.reason == self.reason)
            and (self.topic is None or (letter.came_from or Origin("", 0)).topic == self.topic)
            and (self.since is None or letter.time >= self.since)
        )


@dataclass
class Listing:
    """The newest letters, newest first, and how many there are of each reason in all."""

    letters: list[Letter] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)


def parse_id(text: str) -> LetterId:
    """The id as `list` shows it."""
    match = _ID.fullmatch(text)
    if match is None:
        raise ConfigurationError(f"{text!r} is no dead letter's id: give it as `list` shows it, such as 0/17.")
    return LetterId(int(match[1]), int(match[2]))


async def retried(reader: TopicReader, since: datetime | None = None) -> set[LetterId]:
    """The ids of the letters that were retried since; an answer is never older than its letter."""
    answers = [_answered(record) async for record in reader.records(since)]
    return {answer for answer in answers if answer is not None}


async def matching(reader: TopicReader, wanted: Wanted, without: set[LetterId]) -> AsyncIterator[Letter]:
    """The letters wanted, each partition's oldest first, except those of `without`."""
    async for record in reader.records(wanted.since):
        letter = letter_of(record)
        if letter is not None and letter.id not in without and letter in wanted:
            yield letter


async def newest(reader: TopicReader, wanted: Wanted, limit: int, *, closed_too: bool = False) -> Listing:
    """Up to `limit` letters with the beginning of their values; open ones, unless `closed_too`."""
    closed = set() if closed_too else await retried(reader, wanted.since)
    listing = Listing()
    heap: list[tuple[datetime, LetterId, Letter]] = []
    async for letter in matching(reader, wanted, closed):
        listing.reasons[letter.reason] += 1
        heapq.heappush(heap, (letter.time, letter.id, replace(letter, value=letter.value[:EXCERPT_BYTES])))
        if len(heap) > limit:
            heapq.heappop(heap)
    listing.letters = [letter for *_, letter in sorted(heap, reverse=True)]
    return listing


async def fetch(reader: TopicReader, number: LetterId) -> Letter:
    """The letter of an id; raises `ConfigurationError` where there is none."""
    record = await reader.record_at(*number)
    letter = None if record is None else letter_of(record)
    if letter is None:
        raise ConfigurationError(
            f"There is no dead letter {number}: it is not kept any more, or never was. See `urbanclear ingest "
            "dead-letters list`."
        )
    return letter


def letter_of(record: ConsumerRecord) -> Letter | None:
    """The letter in a message of the topic; None where that is an answer to one."""
    headers = {name: value.decode(errors="replace") for name, value in record.headers}
    if RETRIED in headers:
        return None
    return Letter(
        id=LetterId(record.partition, record.offset),
        time=datetime.fromtimestamp(record.timestamp / 1_000, UTC),
        reason=headers.get("reason", ""),
        detail=headers.get("detail", ""),
        origin=headers.get("origin", ""),
        value=record.value or b"",
    )


def _answered(record: ConsumerRecord) -> LetterId | None:
    for name, value in record.headers:
        match = _ID.fullmatch(value.decode(errors="replace")) if name == RETRIED else None
        if match is not None:
            return LetterId(int(match[1]), int(match[2]))
    return None
