"""The replay source: surveys a recorded file, publishes its sensors, then its events in time order and at a pace.

    file ─► survey (sensors, free-flow speeds, order) ─► sensors ─► rows ─► events, refusals, dead letters

Rows keep their duplicates: storing one twice is storing it once. Their times are kept too, unless the replay is
moved. Readings that are due at once are published together.
"""

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from ingest.sources.outcome import Refused, Rejected
from ingest.sources.replay.moving import Align, Moving, moved
from ingest.sources.replay.pace import Clock, Pace
from ingest.sources.replay.recording import Recording
from ingest.sources.replay.rows import Outcome, Window
from ingest.sources.replay.survey import Survey
from schema.events import Event, Reading
from schema.publisher import Publisher
from urbanclear.errors import ConfigurationError
from urbanclear.logs import get_logger
from urbanclear.serving import unless_stopped

log = get_logger("ingest")

DEFAULT_SPEED: Final = 60.0
Progress = Callable[[int, int], None]


def usual_speed(*, to_now: bool, align: Align | None) -> float | None:
    """The speed of a replay for which none is asked for: as it happened where it is to go on from now."""
    if not to_now:
        return DEFAULT_SPEED
    return None if align else 1.0


class ReplaySource:
    """A recorded file as a feed.

    `speed` is how many times faster than it happened, None as fast as possible; `start` and `end` bound what is
    replayed (`end` excluded). `loop` repeats it until told to stop, each round's times moved on by the recording's
    length; `shift_to_now` moves the first to now, with `align` by whole weeks of `zone`, where the format names
    none. Readings from before `kept_from` will be rejected, which is told at the start. `progress` is told how many
    events of how many of a round are published. Raises `SourceError` when the file cannot be read and
    `ConfigurationError` when an argument does not fit it, both before anything runs.
    """

    def __init__(
        self,
        path: Path,
        *,
        format: str | None = None,  # noqa: A002
        sensors: Path | None = None,
        speed: float | None = DEFAULT_SPEED,
        start: datetime | None = None,
        end: datetime | None = None,
        loop: bool = False,
        shift_to_now: bool = False,
        align: Align | None = None,
        zone: str = "UTC",
        kept_from: datetime | None = None,
        clock: Clock = lambda: datetime.now(UTC),
        progress: Progress | None = None,
    ) -> None:
        _check_bounds(start, end)
        self._moving = Moving(loop=loop, to_now=shift_to_now, align=align, speed=speed, clock=clock)
        self._recording = Recording(path, format, sensors, Window(start, end))
        self._zone = self._recording.zone or ZoneInfo(zone)
        self._pace = Pace(speed, self._moving.not_before)
        self._progress = progress or (lambda done, total: None)
        self._kept_from = None if shift_to_now else kept_from
        self._published = 0
        self._total = 0
        self._done = 0  # of a round

    async def run(self, publisher: Publisher, stop: asyncio.Event) -> None:
        """Replay until the file ends or `stop` is set; raises `SourceError` where the file turns out damaged."""
        if not await unless_stopped(self._replay(publisher), stop):
            log.info("replay.stopped", file=self._recording.name, published=self._published)

    async def _replay(self, publisher: Publisher) -> None:
        survey = await self._recording.look_over()
        self._tell_start(survey)
        self._tell_of_old(survey)
        for sensor in self._recording.sensors(survey):
            await publisher.publish(sensor)
        await publisher.flush()
        try:
            await self._play_rounds(survey, publisher)
        finally:
            await publisher.flush()
        log.info(
            "replay.finished",
            file=self._recording.name,
            published=self._published,
            refused=dict(publisher.refused),
        )

    async def _play_rounds(self, survey: Survey, publisher: Publisher) -> None:
        self._total = survey.events_in_window
        if survey.span_in_window is None:  # rows, and none with an observation
            await self._play(survey, timedelta(0), publisher, tells=True)
            return
        offsets = self._moving.offsets(survey.span_in_window, survey.interval, self._zone)
        for number, offset in zip(count(1), offsets, strict=False):
            if number > 1 or offset:
                log.info("replay.moved", round=number, by=str(offset))
            await self._play(survey, offset, publisher, tells=number == 1)

    async def _play(self, survey: Survey, offset: timedelta, publisher: Publisher, *, tells: bool) -> None:
        """One round. `tells` of the rows without an observation: once is enough."""
        self._done = 0
        async for block in self._recording.blocks(survey):
            await self._publish(block, offset, publisher)
            if tells:
                await _account_for(block, publisher)

    async def _publish(self, block: Iterable[Outcome], offset: timedelta, publisher: Publisher) -> None:
        due: list[Event] = []
        for event in (moved(outcome, offset) for outcome in block if isinstance(outcome, Event)):
            time = event.occurred_at
            if time is not None and not self._pace.is_due(time):
                await self._hand_over(due, publisher)
                due.clear()
                await self._pace.wait(time)
            due.append(event)
        await self._hand_over(due, publisher)

    async def _hand_over(self, due: list[Event], publisher: Publisher) -> None:
        if not due:
            return
        await publisher.publish_readings(event for event in due if isinstance(event, Reading))
        for event in due:
            if not isinstance(event, Reading):
                await publisher.publish(event)
        self._done += len(due)
        self._published += len(due)
        self._progress(self._done, self._total)

    def _tell_of_old(self, survey: Survey) -> None:
        span, kept_from = survey.span_in_window, self._kept_from
        if span is not None and kept_from is not None and span.first < kept_from:
            log.warning(
                "replay.older_than_kept",
                first=span.first.isoformat(),
                kept_from=kept_from.isoformat(),
                next="older readings become dead letters: set URBANCLEAR_READINGS_RETENTION=forever for ingest and "
                "here, or replay with --shift-to-now",
            )

    def _tell_start(self, survey: Survey) -> None:
        log.info(
            "replay.started",
            file=self._recording.name,
            format=self._recording.format.name,
            sensors=len(survey.sensors),
            events=survey.events_in_window,
            sorted_in_memory=not survey.in_order,
        )


async def _account_for(block: Iterable[Outcome], publisher: Publisher) -> None:
    for outcome in block:
        if isinstance(outcome, Refused):
            publisher.count_refused(outcome.reason)
        elif isinstance(outcome, Rejected):
            log.warning("replay.row_rejected", origin=outcome.origin, reason=outcome.reason, detail=outcome.detail)
            await publisher.reject(outcome.origin, outcome.row, outcome.reason, outcome.detail)


def _check_bounds(start: datetime | None, end: datetime | None) -> None:
    for name, bound in (("start", start), ("end", end)):
        if bound is not None and bound.tzinfo is None:
            raise ConfigurationError(
                f"The {name} {bound.isoformat()} has no offset from UTC: write it as 2017-09-04T00:00:00-04:00."
            )
    if start is not None and end is not None and start >= end:
        raise ConfigurationError(f"The start {start.isoformat()} is not before the end {end.isoformat()}.")
