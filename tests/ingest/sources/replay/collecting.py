"""Runs a replay against a list in place of Kafka, for tests of what it publishes and not of how it travels."""

import asyncio
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar, cast

from ingest.publisher import Publisher
from ingest.sources.replay import ReplaySource
from schema.events import Event, Reading, Sensor

CollectedT = TypeVar("CollectedT", bound="Collected")


class Collected:
    """What a source handed over, with the publisher's ledger."""

    def __init__(self) -> None:
        self.sensors: dict[str, Sensor] = {}
        self.readings: list[Reading] = []
        self.rejected: list[tuple[str, bytes, str]] = []
        self.refused: Counter[str] = Counter()

    async def publish(self, event: Event) -> None:
        if isinstance(event, Sensor):
            assert not self.readings, "sensors come first"
            self.sensors[event.external_id] = event
        elif isinstance(event, Reading):
            self.readings.append(event)

    async def reject(self, origin: str, row: bytes, reason: str) -> None:
        self.rejected.append((origin, row, reason))
        self.count_refused(reason)

    def count_refused(self, reason: str, rows: int = 1) -> None:
        self.refused[reason] += rows

    async def flush(self) -> None:
        return None


class Tabulated(Collected):
    """Keeps readings as plain rows, which the garbage collector need not look through: for a million of them."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[tuple[str, datetime, float | None, float | None]] = []

    async def publish(self, event: Event) -> None:
        if isinstance(event, Reading):
            self.rows.append((event.sensor, event.time, event.speed_kmh, event.travel_time_s))
        else:
            await super().publish(event)


async def replayed(path: Path, **options: Any) -> Collected:
    """All that a replay of `path` publishes, as fast as possible."""
    return await replayed_into(Collected(), path, **options)


async def replayed_into(collected: CollectedT, path: Path, **options: Any) -> CollectedT:
    """The same, into `collected`."""
    source = ReplaySource(path, **{"speed": None, **options})
    await source.run(cast(Publisher, collected), asyncio.Event())
    return collected
