"""How a stream is going: a line that is kept up to date on a terminal, elsewhere a line of the log every minute."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

import psycopg
from rich.console import Console
from rich.status import Status

from spark.stream.query import Report
from spark.stream.sink import Tally
from spark.stream.store import Store
from urbanclear.logs import get_logger

log = get_logger("stream")

SHOW_S: Final = 1.0
LOG_S: Final = 60.0


class Reporter:
    """Tells, every so many seconds, what was done since it told last."""

    def __init__(self, store: Store, every_s: float, status: Status | None = None) -> None:
        self._store, self._every_s, self._status = store, every_s, status
        self._told, self._told_at = Tally(), time.monotonic()

    def __call__(self, tally: Tally) -> None:
        lasted = time.monotonic() - self._told_at
        if lasted < self._every_s:
            return
        readings = (tally.readings - self._told.readings) / lasted
        found = {
            "readings_per_s": round(readings, 1),
            "batches": tally.batches - self._told.batches,
            "delay_s": round(tally.delay_s, 2),
            "begun": tally.begun - self._told.begun,
            "open": self._open(),
        }
        self._told, self._told_at = replace(tally), time.monotonic()
        if self._status is None:
            log.info("stream_progress", **found)
            return
        self._status.update(
            f"{readings:,.0f} readings/s, {tally.delay_s:.1f} s behind Kafka, {tally.begun:,} anomalies begun, "
            f"{found['open']} open"
        )

    def _open(self) -> int | None:
        try:
            return self._store.open_anomalies()
        except psycopg.OperationalError:
            return None


@contextmanager
def reporter(url: str, console: Console | None = None) -> Iterator[Report]:
    """For a stream into the database at `url`."""
    where, store = console or Console(stderr=True), Store(url)
    try:
        if not where.is_terminal:
            yield Reporter(store, LOG_S)
            return
        with where.status("Waiting for readings") as status:
            yield Reporter(store, SHOW_S, status)
    finally:
        store.close()
