"""A replay keeps its speed and stops when told."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from ingest.sources.replay import ReplaySource, parse_speed
from schema.events import Reading
from schema.publisher import Publisher
from tests.ingest.sources.replay.collecting import Collected
from urbanclear.errors import ConfigurationError

HEADER = "sensor,time,speed_kmh\n"


class Clocked(Collected):
    """Notes when each reading came, and sets `arrived` at the first."""

    def __init__(self) -> None:
        super().__init__()
        self.at: list[float] = []
        self.arrived = asyncio.Event()

    async def publish_readings(self, readings: Iterable[Reading]) -> None:
        due = list(readings)
        await super().publish_readings(due)
        self.at += [asyncio.get_running_loop().time()] * len(due)
        if due:
            self.arrived.set()


def minutes(path: Path, *at: int) -> Path:
    path.write_text(HEADER + "".join(f"city:a,2026-03-02T12:{minute:02}:00Z,50\n" for minute in at))
    return path


async def test_readings_come_as_far_apart_as_they_were_divided_by_the_speed(tmp_path: Path) -> None:
    clocked = Clocked()
    source = ReplaySource(minutes(tmp_path / "own.csv", 0, 1, 1, 3), speed=600.0)
    await source.run(cast(Publisher, clocked), asyncio.Event())
    waits = [at - clocked.at[0] for at in clocked.at]
    assert waits == pytest.approx([0, 0.1, 0.1, 0.3], abs=0.09)
    assert clocked.readings[-1].time == datetime(2026, 3, 2, 12, 3, tzinfo=UTC), "times stay what they were"


async def test_a_replay_that_waits_for_the_next_reading_stops_at_once_when_told(tmp_path: Path) -> None:
    clocked, stop = Clocked(), asyncio.Event()
    source = ReplaySource(minutes(tmp_path / "own.csv", 0, 59), speed=1.0)
    running = asyncio.create_task(source.run(cast(Publisher, clocked), stop))
    await clocked.arrived.wait()
    stop.set()
    await asyncio.wait_for(running, 1)
    assert len(clocked.readings) == 1


async def test_a_replay_held_up_by_a_full_buffer_stops_at_once_when_told(tmp_path: Path) -> None:
    class Full(Clocked):
        async def publish_readings(self, readings: Iterable[Reading]) -> None:
            await super().publish_readings(readings)
            await asyncio.Event().wait()

    full, stop = Full(), asyncio.Event()
    running = asyncio.create_task(
        ReplaySource(minutes(tmp_path / "own.csv", 0, 1), speed=None).run(cast(Publisher, full), stop)
    )
    await full.arrived.wait()
    stop.set()
    await asyncio.wait_for(running, 1)
    assert len(full.readings) == 2, "what is due at once is one block"


@pytest.mark.parametrize(
    ("text", "speed"), [("1x", 1.0), ("60x", 60.0), ("600x", 600.0), ("0.5x", 0.5), ("max", None)]
)
def test_a_speed_is_a_multiple_or_max(text: str, speed: float | None) -> None:
    assert parse_speed(text) == speed


@pytest.mark.parametrize("text", ["", "60", "x", "0x", "-1x", "1e3x", "infx", "nanx", "60 x", "MAX"])
def test_anything_else_is_refused_with_the_accepted_forms(text: str) -> None:
    with pytest.raises(ConfigurationError, match="such as 1x, 60x or 600x, or max"):
        parse_speed(text)
