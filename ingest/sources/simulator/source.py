"""The simulator as a source: the past first, then the present as it comes."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ingest.sources.simulator.model import Simulator
from schema.events import Event, Reading
from schema.publisher import Publisher
from urbanclear.serving import stopped_within

TICK = timedelta(seconds=1)
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class SimulatorOptions:
    """What is simulated: a city by its seed, how much of its past, and how often each sensor reports."""

    seed: int = 1
    history: timedelta = timedelta(days=7)
    history_interval: timedelta = timedelta(minutes=5)
    interval: timedelta = timedelta(seconds=10)


class SimulatorSource:
    """Publishes the simulated city until told to stop.

    `start_after`: the newest time that has been published before; history begins there, or `options.history` before
    now, whichever is later. `progress` is told the share of the history that is done, 0 to 1.
    """

    def __init__(
        self,
        options: SimulatorOptions,
        *,
        start_after: datetime | None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        progress: Callable[[float], None] = lambda share: None,
    ) -> None:
        self._options = options
        self._start_after = start_after
        self._clock = clock
        self._progress = progress
        self._city = Simulator(options.seed)

    async def run(self, publisher: Publisher, stop: asyncio.Event) -> None:
        """Publish sensors, history and then the present; flushed on return."""
        for sensor in self._city.sensors:
            await publisher.publish(sensor)
        reached = await self._publish_history(publisher, stop)
        await self._publish_present(publisher, stop, reached)
        await publisher.flush()

    async def _publish_history(self, publisher: Publisher, stop: asyncio.Event) -> datetime:
        """All steps up to now; returns the last second that is covered."""
        step = self._options.history_interval
        begin = max(self._clock() - self._options.history, self._start_after or datetime.min.replace(tzinfo=UTC))
        at, done = _next_multiple(begin, step), begin.replace(microsecond=0) - TICK  # that second may be half told
        while at <= self._clock() and not stop.is_set():
            await self._publish(publisher, [*self._between(done, at), *self._city.readings(at)])
            self._progress((at - begin) / max(self._clock() - begin, TICK))
            done, at = at, at + step
        await publisher.flush()
        self._progress(1.0)
        return done

    async def _publish_present(self, publisher: Publisher, stop: asyncio.Event, reached: datetime) -> None:
        """Every second the sensors whose turn it is; a late tick is caught up with, none is left out."""
        while not stop.is_set():
            tick = reached + TICK
            if tick > self._clock():
                await stopped_within(stop, (tick - self._clock()).total_seconds())
                continue
            await self._publish(publisher, [*self._between(reached, tick), *self._due(tick)])
            reached = tick

    def _due(self, tick: datetime) -> list[Reading]:
        """The readings of the sensors whose second of the interval it is."""
        interval = max(1, int(self._options.interval.total_seconds()))
        turn = int(tick.timestamp()) % interval
        whose = {sensor.external_id for sensor in self._city.sensors[turn::interval]}
        return [reading for reading in self._city.readings(tick) if reading.sensor in whose]

    def _between(self, start: datetime, end: datetime) -> list[Event]:
        """Weather and incidents after `start` and up to `end`."""
        hours = []
        hour = _next_multiple(start, HOUR)
        while hour <= end:
            if hour > start:
                hours.append(self._city.weather(hour))
            hour += HOUR
        return [*hours, *self._city.incident_events(start, end)]

    async def _publish(self, publisher: Publisher, events: list[Event]) -> None:
        for event in events:
            await publisher.publish(event)
        await asyncio.sleep(0)


def _next_multiple(time: datetime, step: timedelta) -> datetime:
    """The first whole multiple of `step` (since 1970) that is not before `time`."""
    seconds = step.total_seconds()
    return datetime.fromtimestamp(-(-time.timestamp() // seconds) * seconds, UTC)
