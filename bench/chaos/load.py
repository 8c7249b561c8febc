"""A steady stream of messages, whatever happens meanwhile, with the ledger of what Kafka said of each."""

import asyncio
from collections.abc import Callable
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.structs import RecordMetadata

from bench.chaos.ledger import Ledger
from bench.chaos.messages import Message, Script
from bench.chaos.topic import NUMBER_HEADER
from schema import topics
from urbanclear.errors import UrbanclearError
from urbanclear.serving import stopped_within

TURN_SECONDS: Final = 0.05
LARGEST_MESSAGE: Final = 4_000_000
SEND_TIMEOUT_MS: Final = 20_000
FLUSH_SECONDS: Final = 60.0


class Load:
    """Sends the messages of `script`, about `rate` readings a second; a broker that is away is waited for."""

    def __init__(self, script: Script, bootstrap: str, rate: float) -> None:
        self.ledger = Ledger()
        self._script = script
        self._rate = rate
        self._sent = 0
        self._bootstrap = bootstrap

    async def run(self, stop: asyncio.Event) -> None:
        """Send until stopped; returns once the fate of all is known, as far as Kafka tells.

        Raises `UrbanclearError` when Kafka does not come back.
        """
        producer = self._new_producer()
        await producer.start()
        try:
            owed = 0.0
            while not await stopped_within(stop, TURN_SECONDS):
                owed = min(owed + self._rate * TURN_SECONDS, self._rate)
                while owed > 0 and not stop.is_set():
                    owed -= await self._send_next(producer)
            await asyncio.wait_for(producer.flush(), FLUSH_SECONDS)
        except TimeoutError as error:
            raise UrbanclearError(
                f"Kafka did not take what was sent within {FLUSH_SECONDS:.0f} s: run again with --keep, see its log."
            ) from error
        finally:
            await producer.stop()

    def _new_producer(self) -> AIOKafkaProducer:
        return AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            enable_idempotence=True,
            acks="all",
            compression_type="lz4",
            linger_ms=20,
            max_request_size=LARGEST_MESSAGE,
            request_timeout_ms=SEND_TIMEOUT_MS,
        )

    async def _send_next(self, producer: AIOKafkaProducer) -> int:
        """Returns how many readings it was."""
        message = self._script.message(self._sent)
        self._sent += 1
        self.ledger.uncertain.add(message.number)
        try:
            sending = await producer.send(
                topics.READINGS.name,
                message.value,
                key=message.key,
                partition=message.partition,
                headers=[(NUMBER_HEADER, str(message.number).encode())],
            )
        except KafkaError:
            return 0  # what has become of it is in the topic
        sending.add_done_callback(self._note(message))
        return len(message.parts)

    def _note(self, message: Message) -> Callable[[asyncio.Future[RecordMetadata]], None]:
        def note(sending: asyncio.Future[RecordMetadata]) -> None:
            if not sending.cancelled() and sending.exception() is None:
                found = sending.result()
                self.ledger.uncertain.discard(message.number)
                self.ledger.acknowledged[message.number] = (found.partition, found.offset)

        return note
