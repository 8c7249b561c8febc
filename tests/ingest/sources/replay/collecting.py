"""Runs a replay against a list in place of Kafka, for tests of what it publishes and not of how it travels."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

from ingest.sources.replay import ReplaySource
from schema.events import Event, Incident, Reading, Sensor, Weather
from schema.publisher import Publisher


class Collected:
    """What a source handed over, with the publisher's ledger."""

    def __init__(self) -> None:
        self.sensors: dict[str, Sensor] = {}
        self.readings: list[Reading] = []
        self.reports: list[Weather] = []
        self.incidents: list[Incident] = []
        self.rejected: list[tuple[str, bytes, str]] = []
        self.details: list[str] = []  # of what is rejected, in the same order
        self.refused: Counter[str] = Counter()

    async def publish(self, event: Event) -> None:
        if isinstance(event, Sensor):
            assert not self.readings, "sensors come first"
            self.sensors[event.external_id] = event
        elif isinstance(event, Weather):
            self.reports.append(event)
        elif isinstance(event, Incident):
            self.incidents.append(event)

    async def publish_readings(self, readings: Iterable[Reading]) -> None:
        self.readings += readings

    async def reject(self, origin: str, row: bytes, reason: str, detail: str) -> None:
        self.rejected.append((origin, row, reason))
        self.details.append(detail)
        self.count_refused(reason)

    def count_refused(self, reason: str, rows: int = 1) -> None:
        self.refused[reason] += rows

    async def flush(self) -> None:
        return None


async def replayed(path: Path, **options: Any) -> Collected:
    """All that a replay of `path` publishes, as fast as possible."""
    collected = Collected()
    source = ReplaySource(path, **{"speed": None, **options})
    await source.run(cast(Publisher, collected), asyncio.Event())
    return collected
