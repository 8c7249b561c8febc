"""The simulator as a source: the past first, then the present as it comes."""

import asyncio
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from ingest.sources.simulator.model import ALL, Simulator
from ingest.sources.simulator.truth import Truth
from schema.events import Event, Incident
from schema.publisher import Publisher
from urbanclear.errors import ConfigurationError
from urbanclear.serving import stopped_within

SECOND: Final = timedelta(seconds=1)
HOUR: Final = timedelta(hours=1)
SHORTEST: Final = timedelta(milliseconds=50)  # that a tick may be
RECALLED: Final = timedelta(days=60)  # incidents are in Kafka for 30 days
CATCH_UP: Final = timedelta(minutes=15)  # a source that was away for less leaves nothing out


@dataclass(frozen=True)
class SimulatorOptions:
    """What is simulated: a city by its seed, what is staged in it, how many sensors watch, how much of its past, how
    often each reports, and where the truth is written."""

    seed: int = 1
    sensors: int | None = None
    scenarios: tuple[str, ...] = ()
    history: timedelta = timedelta(days=7)
    history_interval: timedelta = timedelta(minutes=5)
    interval: timedelta = timedelta(seconds=10)
    truth: Path | None = None

    def __post_init__(self) -> None:
        if not self.interval or self.interval % SHORTEST:
            raise ConfigurationError("An interval is a multiple of 0.05s: say --interval 10s, 1s or 0.5s.")


class SimulatorSource:
    """Publishes a simulated city until told to stop.

    `start_after`: the newest time that has been published before; history begins there, or `options.history` before
    now, whichever is later. `open_incidents` are those that have not been told to be cleared. `truth` is told what
    each reading hides. `progress` is told the share of the history that is done, 0 to 1.
    """

    def __init__(
        self,
        city: Simulator,
        options: SimulatorOptions,
        *,
        start_after: datetime | None,
        open_incidents: Iterable[Incident] = (),
        truth: Truth | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        progress: Callable[[float], None] = lambda share: None,
    ) -> None:
        self._city = city
        self._options = options
        self._start_after = start_after
        self._open_incidents = list(open_incidents)
        self._truth = truth
        self._clock = clock
        self._progress = progress
        self._tick = math.gcd(options.interval // SHORTEST, SECOND // SHORTEST) * SHORTEST
        self._turns = options.interval // self._tick

    async def run(self, publisher: Publisher, stop: asyncio.Event) -> None:
        """Publish sensors, history and then the present; flushed on return."""
        for sensor in self._city.sensors:
            await publisher.publish(sensor)
        begin = self._begin()
        await self._publish(publisher, self._forgotten(begin))
        reached = await self._publish_history(publisher, stop, begin)
        await publisher.flush()
        self._progress(1.0)
        await self._publish_present(publisher, stop, reached)
        await publisher.flush()

    def _begin(self) -> datetime:
        earliest = self._clock() - self._options.history
        return max(earliest, self._start_after or earliest)

    def _forgotten(self, begin: datetime) -> list[Event]:
        """The end of incidents that no one will tell: it fell into a time that is left out, or is another city's."""
        going_on = self._city.going_on(begin)
        return [self._cleared(event, begin) for event in self._open_incidents if event.id not in going_on]

    def _cleared(self, event: Incident, begin: datetime) -> Incident:
        """As this city tells it, else as it is, at the time of the restart."""
        since = max(event.started_at, begin - RECALLED)
        told = (it for it in self._city.incident_events(since, begin) if (it.id, it.status) == (event.id, "cleared"))
        unknown = msgspec.structs.replace(event, time=max(event.time, begin), status="cleared")
        return next(told, unknown)

    async def _publish_history(self, publisher: Publisher, stop: asyncio.Event, begin: datetime) -> datetime:
        """All steps up to now, unless it is but a little while; returns the last time that is covered."""
        step = self._options.history_interval
        averaged = max(1.0, step / self._options.interval)
        done = begin.replace(microsecond=0) - SECOND  # that second may be half told
        if self._start_after is not None and self._clock() - begin <= CATCH_UP:
            return done
        at = _next_multiple(begin, step)
        while at <= self._clock() and not stop.is_set():
            await self._publish(publisher, self._between(done, at))
            await self._observe(publisher, at, ALL, averaged)
            self._progress((at - begin) / max(self._clock() - begin, SECOND))
            done, at = at, at + step
        return done

    async def _publish_present(self, publisher: Publisher, stop: asyncio.Event, reached: datetime) -> None:
        """At every tick the sensors whose turn it is; a late tick is caught up with, none is left out."""
        while not stop.is_set():
            tick = reached + self._tick
            if tick > self._clock():
                await stopped_within(stop, (tick - self._clock()).total_seconds())
                continue
            await self._publish(publisher, self._between(reached, tick))
            await self._observe(publisher, tick, slice(self._turn(tick), None, self._turns))
            reached = tick

    def _turn(self, tick: datetime) -> int:
        """Whose turn it is: every sensor has its own moment of the interval."""
        return round(tick.timestamp() / self._tick.total_seconds()) % self._turns

    def _between(self, start: datetime, end: datetime) -> list[Event]:
        """Weather and incidents after `start` and up to `end`."""
        hours = []
        hour = _next_multiple(start, HOUR)
        while hour <= end:
            if hour > start:
                hours.append(self._city.weather(hour))
            hour += HOUR
        return [*hours, *self._city.incident_events(start, end)]

    async def _observe(self, publisher: Publisher, time: datetime, which: slice, averaged: float = 1.0) -> None:
        seen = self._city.observe(time, which, averaged)
        await publisher.publish_readings(seen.readings())
        if self._truth is not None:
            self._truth.add(seen)
        await asyncio.sleep(0)

    async def _publish(self, publisher: Publisher, events: list[Event]) -> None:
        for event in events:
            await publisher.publish(event)


def resumed_from(published: datetime | None, truth: Truth | None) -> datetime | None:
    """The time after which to go on: what a killed run published but did not yet write down is told again."""
    written = truth.newest if truth else None
    if published is None or written is None or published - written > CATCH_UP:
        return published
    return min(published, written)


def _next_multiple(time: datetime, step: timedelta) -> datetime:
    """The first whole multiple of `step` (since 1970) that is not before `time`."""
    seconds = step.total_seconds()
    return datetime.fromtimestamp(-(-time.timestamp() // seconds) * seconds, UTC)
