"""Takes the batches of a stream, one after the other: what they say goes to the detector, and what changes by it to
the database. While that is away a batch waits.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

import psycopg
import pyarrow as pa
import pyarrow.compute as pc

from spark.anomalies.alarms import Change
from spark.anomalies.live import Watch
from spark.stream import metrics
from spark.stream.city import City
from spark.stream.store import Store
from urbanclear.errors import ConfigurationError
from urbanclear.logs import get_logger
from urbanclear.settings import Settings

log = get_logger("stream")

AWAY_S: Final = 1.0
T = TypeVar("T")


@dataclass
class Tally:
    """What a stream has done since it began."""

    readings: int = 0
    batches: int = 0
    begun: int = 0
    delay_s: float = 0.0  # of the last batch, from Kafka to the end of its transaction


class Sink:
    """One run of a stream; `fresh` is one that is to know nothing of what other streams here remembered."""

    def __init__(self, url: str, settings: Settings, tally: Tally, *, fresh: bool = False) -> None:
        self.stopping = threading.Event()
        self._tally, self._settings, self._fresh = tally, settings, fresh
        self._city, self._store = City(url, settings), Store(url)
        self._watch: Watch | None = None
        self._done = -1

    def take(self, query_id: str, batch_id: int, batch: pa.Table) -> None:
        """Have the effect of a batch exactly once, however often it is told.

        Raises `ConfigurationError` where the stream has written its former batches to another database, and
        `psycopg.OperationalError` where the database is away when the stream is asked to stop.
        """
        began = time.perf_counter()
        watch = self._patiently(lambda: self._watch_for(query_id, batch_id))
        if batch_id <= self._done:
            log.info("batch_known", batch=batch_id)
            return
        readings = self._city.readings(batch)
        changes = watch.see(readings.sensor_ids, readings.epochs, readings.speeds_kmh, readings.volumes_vph)
        state = watch.state()
        self._patiently(lambda: self._store.write(query_id, batch_id, state, changes))
        self._done = batch_id
        self._count(batch, len(readings), changes, time.perf_counter() - began)

    def close(self) -> None:
        self._store.close()

    def _watch_for(self, query_id: str, batch_id: int) -> Watch:
        """The detector, of the city as it is now, that has seen all batches up to the last that was written."""
        if self._watch is None:
            self._watch = self._city.watch(self._remembered(query_id, batch_id))
        elif self._city.renewed():
            self._watch = self._city.watch(self._watch.state())
        return self._watch

    def _remembered(self, query_id: str, batch_id: int) -> bytes | None:
        last = self._store.last(query_id)
        self._done = -1 if last is None else last.batch_id
        if self._done + 1 < batch_id:
            raise ConfigurationError(
                f"{self._settings.stream_checkpoint} is of another database, or of this one before it was "
                f"restored: remove that folder to go on with what comes from now on, or set "
                f"URBANCLEAR_STREAM_CHECKPOINT to another one."
            )
        if last is not None:
            return last.state
        return None if self._fresh else self._store.newest_state()

    def _patiently(self, asking: Callable[[], T]) -> T:
        while True:
            try:
                return asking()
            except psycopg.OperationalError as error:
                log.warning("database_away", error=" ".join(str(error).split()))
                if self.stopping.wait(AWAY_S):
                    raise

    def _count(self, batch: pa.Table, readings: int, changes: list[Change], seconds: float) -> None:
        begun = [change.kind for change in changes if change.begins]
        self._tally.batches += 1
        self._tally.readings += readings
        self._tally.begun += len(begun)
        metrics.BATCH_SECONDS.observe(seconds)
        metrics.READINGS.inc(readings)
        for kind in begun:
            metrics.BEGUN.labels(kind).inc()
        first = pc.min(batch.column("published_ms")).as_py()
        if first is not None:
            self._tally.delay_s = max(0.0, time.time() - first / 1000)
            metrics.DELAY_SECONDS.observe(self._tally.delay_s)
