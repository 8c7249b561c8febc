"""Sends dead letters again, to the topics they came from, each once.

The message and the answer that closes its letter are one Kafka transaction, and whoever begins to retry fences off
whoever has begun before.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, NamedTuple

import msgspec
from aiokafka import AIOKafkaProducer

from ingest.transactions import FENCED, take
from schema import topics
from schema.dead_letters import RETRIED, Letter, LetterId, Wanted, fetch, matching, retried
from schema.events import UNREADABLE, Reading
from schema.publisher import Publisher
from schema.topic_reader import TopicReader, open_reader
from schema.topics import decode_message, event_of
from urbanclear.errors import ConfigurationError, InvalidEvent, RetryFenced

TRANSACTIONAL_ID: Final = "urbanclear-dead-letters-retry"
MOST_IN_TRANSACTION: Final = 500
MOST_BYTES_IN_TRANSACTION: Final = 8_000_000

Progress = Callable[[int], None]
Sent = asyncio.Future[object]


class Retry(NamedTuple):
    """A letter to send again, with the value to send."""

    letter: Letter
    value: bytes

    @property
    def problem(self) -> str | None:
        """Why it would be rejected once more, as far as the value alone tells; None for a value that is an event."""
        if self.letter.came_from is None:
            return None
        try:
            decode_message(self.letter.came_from.topic, self.value)
        except InvalidEvent as error:
            return str(error)
        return None


@dataclass(frozen=True)
class Report:
    """How many letters were sent again, and how many cannot be, because they came from no topic."""

    sent: int
    from_no_topic: int


class Retrying:
    """What `open_retrying` gives. Raises `RetryFenced` once another retry has begun."""

    def __init__(self, reader: TopicReader, producer: AIOKafkaProducer) -> None:
        self._reader = reader
        self._producer = producer
        self._publisher = Publisher(producer)
        self._sent = 0

    async def chosen(self, ids: Sequence[LetterId], value: bytes | None = None) -> list[Retry]:
        """The letters of these ids; raises `ConfigurationError` where one cannot be sent again."""
        letters = [await fetch(self._reader, number) for number in dict.fromkeys(ids)]
        closed = await retried(self._reader, min(letter.time for letter in letters))
        for letter in letters:
            _check_open(letter, closed)
        retries = [Retry(letter, letter.value if value is None else value) for letter in letters]
        if value is not None and (problem := retries[0].problem):
            raise ConfigurationError(f"The value given would be rejected again ({problem}): correct it.")
        return retries

    async def send(self, retries: Sequence[Retry]) -> None:
        """Send these letters again and close them, all or none."""
        try:
            async with self._producer.transaction():
                sent = [future for retry in retries for future in await self._send_one(retry)]
                await asyncio.gather(*sent)
                await self._publisher.flush()
        except FENCED as error:
            raise RetryFenced(
                f"Another retry of dead letters began and stopped this one after {self._sent} letters: see what is "
                "open by `urbanclear ingest dead-letters list`, and begin again once it is done."
            ) from error
        self._sent += len(retries)

    async def send_all(self, wanted: Wanted, progress: Progress) -> Report:
        """Send again all letters wanted that are there now, some hundred at a time; `progress` is told how many."""
        closed = await retried(self._reader, wanted.since)
        counts: Counter[bool] = Counter()
        async for letters in _in_parts(matching(self._reader, wanted, closed)):
            fit = [Retry(letter, letter.value) for letter in letters if letter.came_from]
            if fit:
                await self.send(fit)
            counts[True] += len(fit)
            counts[False] += len(letters) - len(fit)
            progress(counts.total())
        return Report(sent=counts[True], from_no_topic=counts[False])

    async def _send_one(self, retry: Retry) -> list[Sent]:
        """What is to be waited for, of the message and its answer."""
        origin, number = retry.letter.came_from, str(retry.letter.id).encode()
        if origin is None:
            raise _from_no_topic(retry.letter)
        answer = await self._producer.send(
            topics.DEAD_LETTERS.name,
            b"",
            key=number,
            partition=retry.letter.id.partition,
            headers=[(RETRIED, number)],
        )
        key, batch = _key_and_batch(origin.topic, retry.value)
        if batch:
            await self._publisher.publish_readings(batch)
            return [answer]
        partition = origin.partition if key is None else None
        key = retry.letter.origin if key is None else key
        message = await self._producer.send(origin.topic, retry.value, key=key.encode(), partition=partition)
        return [answer, message]


@asynccontextmanager
async def open_retrying(bootstrap: str) -> AsyncIterator[Retrying]:
    """The only one that may retry from now on; what it sees of letters and answers is later than all before it.

    Raises `KafkaConnectionError` where no broker answers.
    """
    producer = await take(bootstrap, TRANSACTIONAL_ID)
    try:
        async with open_reader(bootstrap, topics.DEAD_LETTERS.name) as reader:
            yield Retrying(reader, producer)
    finally:
        await producer.stop()


def _check_open(letter: Letter, closed: set[LetterId]) -> None:
    if letter.id in closed:
        raise ConfigurationError(
            f"The dead letter {letter.id} was retried already: if it failed again it is a new one."
        )
    if letter.came_from is None:
        raise _from_no_topic(letter)


def _from_no_topic(letter: Letter) -> ConfigurationError:
    return ConfigurationError(
        f"The dead letter {letter.id} is of {letter.origin}, which is no message of a topic: mend it at its source."
    )


def _key_and_batch(topic: str, value: bytes) -> tuple[str | None, list[Reading]]:
    """The key that a message goes under, as far as it can be read; of one with several readings, these."""
    try:
        events = decode_message(topic, value)
    except InvalidEvent:
        return _key_as_it_looks(topic, value), []
    if len(events) == 1:
        return events[0].key, []
    return None, [event for event in events if isinstance(event, Reading)]


def _key_as_it_looks(topic: str, value: bytes) -> str | None:
    """The key of a message that is no event: retried as it is, it is to stay on the partition of its like."""
    try:
        fields = msgspec.json.decode(value, type=dict[str, object])
    except UNREADABLE:
        return None
    key = fields.get(event_of(topic).key_field)
    return key if isinstance(key, str) and key else None


async def _in_parts(letters: AsyncIterator[Letter]) -> AsyncIterator[list[Letter]]:
    """As many at a time as a transaction takes."""
    part: list[Letter] = []
    size = 0
    async for letter in letters:
        if part and (len(part) == MOST_IN_TRANSACTION or size + len(letter.value) > MOST_BYTES_IN_TRANSACTION):
            yield part
            part, size = [], 0
        part.append(letter)
        size += len(letter.value)
    if part:
        yield part
