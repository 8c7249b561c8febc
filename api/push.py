"""The API's way to Kafka for what apps push: connected with the first push, and anew after it broke."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Final

from aiokafka.errors import KafkaError

from schema.events import Event
from schema.publisher import Publisher, open_publisher
from urbanclear.errors import KafkaAway, NotDelivered

LINGER_MS: Final = 5  # pushes that come at the same time share their way


class Push:
    """Opening it connects to nothing yet, so that the API runs without Kafka."""

    def __init__(self, bootstrap: str, within_s: float) -> None:
        self._bootstrap = bootstrap
        self._within_s = within_s
        self._opening = asyncio.Lock()
        self._publisher: Publisher | None = None
        self._stack = AsyncExitStack()

    async def deliver(self, events: Sequence[Event]) -> None:
        """Return once Kafka holds all `events`.

        Raises `NotDelivered` where it does not take them, and `KafkaAway` where it does not answer in time.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + self._within_s
        publisher = await self._opened(end)
        try:
            await publisher.deliver(events, within_s=max(0.0, end - loop.time()))
        except KafkaAway:
            raise
        except NotDelivered:
            await self._give_up(publisher)
            raise

    async def close(self) -> None:
        """Let go of Kafka."""
        self._publisher = None
        await self._stack.aclose()

    async def _opened(self, end: float) -> Publisher:
        try:
            async with asyncio.timeout_at(end), self._opening:
                if self._publisher is None:
                    self._publisher = await self._stack.enter_async_context(
                        open_publisher(self._bootstrap, linger_ms=LINGER_MS)
                    )
                return self._publisher
        except (TimeoutError, KafkaError, OSError) as error:
            raise KafkaAway(f"Kafka does not answer ({error!r}): try again in a few seconds.") from error

    async def _give_up(self, publisher: Publisher) -> None:
        """An idempotent producer that was refused once may be refused for ever: the next push takes a new one."""
        async with self._opening:
            if publisher is self._publisher:
                await self.close()
