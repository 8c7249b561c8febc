"""Dead letters on their way: each is in its topic exactly once, since Kafka takes letters and offsets together or
not.

Every partition that is consumed has a transactional producer of its own, named after it (Kafka, KIP-98). To take a
partition is to take that name: whoever had it before can send nothing more of it, even where it was only asleep, and
what it left half sent is undone. Offsets of the partition are to be read after that.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.codec import zstd_encode
from aiokafka.errors import ProducerFenced

from ingest.batch import DeadLetter
from ingest.transactions import take
from schema import topics
from urbanclear.logs import get_logger

log = get_logger("ingest")

FITTING_BYTES: Final = topics.LARGEST_LETTER_BYTES - 16 * 1024  # headers and the frame around them


class Letterbox:
    """Sends the dead letters of a consumer group. Not for use by two tasks at once."""

    def __init__(self, bootstrap: str, group: str) -> None:
        self._bootstrap = bootstrap
        self._group = group
        self._producers: dict[TopicPartition, AIOKafkaProducer] = {}

    async def take(self, places: Iterable[TopicPartition]) -> None:
        """Become the only one to send letters of `places`, and of no others; raises `KafkaError`."""
        await self.close()
        opened = await asyncio.gather(*(self._open(place) for place in places), return_exceptions=True)
        for error in opened:
            if error is not None:
                raise error

    async def send(self, letters: Sequence[DeadLetter], offsets: Mapping[TopicPartition, int]) -> None:
        """Send the letters, and commit the offsets of their partitions with them.

        Raises `aiokafka.errors.ProducerFenced` where a partition is another's by now, and other `KafkaError`s where
        it is not known how it ended; `take` and the committed offset tell.
        """
        for place in dict.fromkeys(letter.place for letter in letters):
            producer = self._producers.get(place)
            if producer is None:
                raise ProducerFenced
            async with producer.transaction():
                sent = [await _send(producer, letter) for letter in letters if letter.place == place]
                await asyncio.gather(*sent)
                await producer.send_offsets_to_transaction({place: offsets[place]}, self._group)

    async def close(self) -> None:
        """Let go of all partitions."""
        producers, self._producers = self._producers, {}
        await asyncio.gather(*(producer.stop() for producer in producers.values()), return_exceptions=True)

    async def _open(self, place: TopicPartition) -> None:
        name = f"{self._group}-{place.topic}-{place.partition}"
        self._producers[place] = await take(self._bootstrap, name)


def _fitting(value: bytes) -> bytes:
    """The value, or its beginning where the topic would not take it: brokers look at what compression leaves."""
    if len(value) <= FITTING_BYTES or len(zstd_encode(value)) <= FITTING_BYTES:
        return value
    log.warning("ingest.dead_letter_cut", bytes=len(value), to_bytes=topics.LONGEST_LETTER_BYTES)
    return value[: topics.LONGEST_LETTER_BYTES]


async def _send(producer: AIOKafkaProducer, letter: DeadLetter) -> asyncio.Future[object]:
    told = {"reason": letter.reason, "detail": letter.detail[: topics.LONGEST_DETAIL], "origin": letter.origin}
    headers = [(name, text.encode(errors="replace")) for name, text in told.items()]
    key = letter.record.topic.encode()
    sent: asyncio.Future[object] = await producer.send(
        topics.DEAD_LETTERS.name, _fitting(letter.value), key=key, headers=headers
    )
    return sent
