"""Predictions to Kafka: given up where it does not take them in time, since the next ones follow."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Final

from aiokafka.errors import KafkaError

from schema.events import Prediction
from schema.publisher import Publisher, open_publisher
from spark.forecast.serving import metrics
from urbanclear.errors import KafkaAway, NotDelivered
from urbanclear.logs import get_logger

log = get_logger("forecast")

WITHIN_SECONDS: Final = 5.0
LINGER_MS: Final = 0  # what is told together is one message a partition


class Telling:
    """Connected with the first predictions, and anew after it broke. Not for use by two tasks at once."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._stack = AsyncExitStack()
        self._publisher: Publisher | None = None
        self._away = False

    async def tell(self, predictions: Sequence[Prediction]) -> bool:
        """Whether Kafka has all of them."""
        try:
            publisher = await self._opened()
            await publisher.deliver(predictions, within_s=WITHIN_SECONDS)
        except (NotDelivered, KafkaError, OSError, TimeoutError) as error:
            await self._failed(predictions, error)
            return False
        if self._away:
            log.info("forecast.kafka_back")
        self._away = False
        return True

    async def close(self) -> None:
        """Let go of Kafka."""
        self._publisher = None
        await self._stack.aclose()

    async def _opened(self) -> Publisher:
        if self._publisher is None:
            opening = open_publisher(self._bootstrap, linger_ms=LINGER_MS)
            async with asyncio.timeout(WITHIN_SECONDS):
                self._publisher = await self._stack.enter_async_context(opening)
        return self._publisher

    async def _failed(self, predictions: Sequence[Prediction], error: Exception) -> None:
        metrics.UNDELIVERED.inc(len(predictions))
        if not self._away:
            log.warning("forecast.undelivered", predictions=len(predictions), error=repr(error))
        self._away = True
        if not isinstance(error, KafkaAway):
            await self.close()  # an idempotent producer that was refused once may be refused for ever
