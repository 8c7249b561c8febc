"""Predictions on their way into the database: while it is away those of the last minutes wait."""

import asyncio
import time
from collections import deque
from typing import Final

import psycopg

from schema.database import AWAY
from spark.forecast.serving import metrics
from spark.forecast.serving.made import Made
from spark.forecast.serving.store import Store
from urbanclear.logs import get_logger
from urbanclear.serving import stopped_within

log = get_logger("forecast")

MOST_WAITING: Final = 30  # minutes: 5 MB of a city with 1,000 sensors
RETRY_SECONDS: Final = 2.0


class Storing:
    """`put` what was made at a full minute; `run` stores it, the oldest first."""

    def __init__(self, store: Store, most_waiting: int = MOST_WAITING) -> None:
        self._store = store
        self._most_waiting = most_waiting
        self._waiting: deque[Made] = deque()
        self._news = asyncio.Event()
        self._away = False

    def put(self, made: Made) -> None:
        """Where too many wait the oldest goes."""
        self._waiting.append(made)
        while len(self._waiting) > self._most_waiting:
            self._waiting.popleft()
            metrics.DROPPED.labels("waited").inc()
        metrics.WAITING.set(len(self._waiting))
        self._news.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set and what waits is stored, or cannot be."""
        while True:
            while self._waiting:
                if not await self._store_oldest() and await stopped_within(stop, RETRY_SECONDS):
                    return
            if stop.is_set():
                return
            self._news.clear()
            await _either(self._news, stop)

    async def _store_oldest(self) -> bool:
        """Whether the database was there."""
        made = self._waiting[0]
        began = time.perf_counter()
        try:
            stored = await asyncio.to_thread(self._store.write, made.predictions())
        except AWAY as error:
            if not self._away:
                log.warning("forecast.database_away", error=str(error).strip(), retry_in_s=RETRY_SECONDS)
            self._away = True
            return False
        except psycopg.Error as error:
            log.error("forecast.refused", made_at=made.at.isoformat(), error=str(error).strip())
            metrics.DROPPED.labels("refused").inc()
        else:
            metrics.STORED.inc(stored)
            metrics.STORE_SECONDS.observe(time.perf_counter() - began)
        if self._waiting and self._waiting[0] is made:  # it may have been dropped meanwhile
            self._waiting.popleft()
        metrics.WAITING.set(len(self._waiting))
        self._away = False
        return True


async def _either(one: asyncio.Event, other: asyncio.Event) -> None:
    waiting = [asyncio.create_task(event.wait()) for event in (one, other)]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
