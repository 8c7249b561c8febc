"""Transactional producers, each the only one of its name (Kafka, KIP-98).

To take a name is to fence off whoever had it: they can send nothing more, and what they left half sent is undone.
"""

import asyncio
from contextlib import AsyncExitStack
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import IllegalOperation, InvalidProducerEpoch, KafkaError, ProducerFenced

LARGEST_MESSAGE: Final = 1 << 30  # the broker alone says what is too large, of what is left after compression
TAKE_SECONDS: Final = 30.0
#: What sending raises once another has the name; the last where the producer learned of it between two messages.
FENCED: Final = (ProducerFenced, InvalidProducerEpoch, IllegalOperation)


async def take(bootstrap: str, transactional_id: str) -> AIOKafkaProducer:
    """A started producer that has the name; raises `KafkaError` with nothing left running."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        transactional_id=transactional_id,
        acks="all",
        compression_type="zstd",
        max_request_size=LARGEST_MESSAGE,
    )
    async with AsyncExitStack() as stack:
        stack.push_async_callback(producer.stop)
        await producer.start()
        try:
            async with asyncio.timeout(TAKE_SECONDS):
                await producer.begin_transaction()  # waits until the name is taken
                await producer.abort_transaction()
        except TimeoutError as error:
            raise KafkaError(f"{transactional_id} was not to be had within {TAKE_SECONDS:.0f} s") from error
        stack.pop_all()
    return producer
