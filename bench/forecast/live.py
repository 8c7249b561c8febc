"""From a reading that is published to its sensor's new prediction on the WebSocket, with a model in place or none."""

import asyncio
import json
import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect

from bench.processes import descendants, rss_bytes
from bench.running_stack import RunningStack, empty_folder, running_stack
from bench.spark.city import urbanclear
from schema.database import kafka_bootstrap
from schema.events import Reading
from schema.publisher import Publisher, open_publisher

Say = Callable[[str], None]

_HORIZON_MINUTES: Final = 15
_HOUR_BEFORE: Final = 50  # minutes of readings that there are already
_APART_S: Final = 6.0  # readings of a sensor: the prediction of one is told before the next
_WITHIN_S: Final = 30.0
_TAKEN_UP_S: Final = 180.0
_STEPS_A_DAY: Final = 288
_SERVE: Final = ("forecast", "serve")


@dataclass
class Live:
    """Of every reading, and what the process that predicts takes at the end."""

    seconds: list[float] = field(default_factory=list)
    rss_mb: float = 0.0


async def measure_live(sensors: int, rounds: int, model_days: int, say: Say) -> Live:
    """All sensors report at once, again and again; each reading waits for its prediction.

    With `model_days` a model is learned from so many days first and put in place; 0 is without one.
    """
    names, live = [f"bench:{number}" for number in range(sensors)], Live()
    async with (
        empty_folder() as folder,
        running_stack(folder, "--source", "none") as stack,
        open_publisher(kafka_bootstrap(stack.settings), linger_ms=0) as feed,
    ):
        if model_days:
            await _learn(stack, feed, names, model_days, say)
        say("an hour of readings first")
        now = datetime.now(UTC)
        for minutes in range(_HOUR_BEFORE, 0, -1):
            time_ = now - timedelta(minutes=minutes)
            await feed.deliver([Reading(sensor=name, time=time_, speed_kmh=50) for name in names], within_s=_WITHIN_S)
        async with connect(stack.url.replace("http", "ws", 1) + "/ws/traffic", proxy=None, max_size=None) as socket:
            await socket.send('{"type":"subscribe","topic":"predictions"}')
            if model_days:
                say("waiting for the model to forecast")
                await asyncio.wait_for(_told(socket, set(names), now, lambda made: "network" in made), _TAKEN_UP_S)
            for number in range(rounds):
                say(f"round {number + 1} of {rounds}")
                began = datetime.now(UTC)
                speed = 40.0 + number % 20
                await feed.deliver(
                    [Reading(sensor=name, time=began, speed_kmh=speed) for name in names], within_s=_WITHIN_S
                )
                live.seconds += await asyncio.wait_for(_told(socket, set(names), began), _WITHIN_S)
                await asyncio.sleep(_APART_S)
        live.rss_mb = _rss_mb()
    return live


async def _learn(stack: RunningStack, feed: Publisher, names: Sequence[str], days: int, say: Say) -> None:
    """Days of readings every 5 minutes, and a model of them."""
    start = datetime.now(UTC) - timedelta(days=days)
    for step in range(days * _STEPS_A_DAY):
        if step % _STEPS_A_DAY == 0:
            say(f"day {step // _STEPS_A_DAY + 1} of {days}")
        time_ = start + step * timedelta(minutes=5)
        slow = 25 * math.sin(math.pi * (step % _STEPS_A_DAY) / _STEPS_A_DAY)
        readings = [
            Reading(sensor=name, time=time_, speed_kmh=60 - slow * (1 + number % 5) / 5 + random.gauss(0, 3))
            for number, name in enumerate(names)
        ]
        await feed.deliver(readings, within_s=_WITHIN_S)
    say("training a model")
    folder = {"URBANCLEAR_DATA_DIR": str(stack.settings.data_dir)}
    await urbanclear("forecast", "train", "--days", str(days), "--held-out", "1", **folder)


async def _told(
    socket: ClientConnection, waiting: set[str], began: datetime, by: Callable[[str], bool] = lambda _: True
) -> list[float]:
    """When each sensor's prediction came that was made after `began` by such a model, seconds after it."""
    seconds: list[float] = []
    while waiting:
        message: dict[str, Any] = json.loads(await socket.recv())
        late = time.time() - began.timestamp()
        for item in message.get("items", ()):
            is_new = datetime.fromisoformat(item["made_at"]) >= began and by(item["model"])
            if is_new and item["sensor"] in waiting and item["horizon_minutes"] == _HORIZON_MINUTES:
                waiting.remove(item["sensor"])
                seconds.append(late)
    return seconds


def _rss_mb() -> float:
    """Of the part that predicts, among the processes of this one."""
    [serving] = descendants(_SERVE)
    return rss_bytes(serving) / 2**20
