"""The replay source: surveys a recorded file, publishes its sensors, then its readings in time order and at a pace.

    file ─► survey (sensors, free-flow speeds, order) ─► sensors ─► rows ─► readings, refusals, dead letters

Rows keep their original times and their duplicates: storing one twice is storing it once. A file in time order is
streamed, twice, and not read beyond the `end` asked for; any other is sorted in memory.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final, TypeVar

from ingest.sources.outcome import LONGEST_LETTER_BYTES, Refused, Rejected
from ingest.sources.replay import formats
from ingest.sources.replay.columns import Layout, layout_of
from ingest.sources.replay.pace import Pace, parse_speed
from ingest.sources.replay.rows import Outcome, Window, is_past, outcomes
from ingest.sources.replay.sensors import describe, read_sidecar
from ingest.sources.replay.sorting import Sorting
from ingest.sources.replay.survey import Survey
from ingest.sources.replay.table import Table
from ingest.sources.replay.times import Times
from schema.events import Reading
from schema.publisher import Publisher
from urbanclear.errors import ConfigurationError, SourceError
from urbanclear.logs import get_logger

__all__ = ["ReplaySource", "parse_speed"]

log = get_logger("ingest")

DEFAULT_SPEED: Final = 60.0
Progress = Callable[[int, int], None]
T = TypeVar("T")


class ReplaySource:
    """A recorded file as a feed.

    `speed` is how many times faster than it happened, None as fast as possible; `start` and `end` bound what is
    replayed (`end` excluded); `progress` is told how many readings of how many are published. Raises `SourceError`
    when the file cannot be read and `ConfigurationError` when an argument does not fit it, both before anything runs.
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
        progress: Progress | None = None,
    ) -> None:
        _check_bounds(start, end)
        self._table = Table(path)
        self._format = _choose_format(self._table, format)
        self._sidecar = read_sidecar(self._format, path, sensors)
        self._window = Window(start, end)
        self._pace = Pace(speed)
        self._progress = progress or (lambda done, total: None)
        self._done = 0

    async def run(self, publisher: Publisher, stop: asyncio.Event) -> None:
        """Replay until the file ends or `stop` is set; raises `SourceError` where the file turns out damaged."""
        replaying = asyncio.create_task(self._replay(publisher))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({replaying, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (replaying, stopping):
                task.cancel()
            await asyncio.wait({replaying, stopping})
        if replaying.cancelled():
            log.info("replay.stopped", file=self._table.path.name, published=self._done)
        else:
            replaying.result()

    async def _replay(self, publisher: Publisher) -> None:
        survey, layout = await self._look_over()
        self._check_not_empty(survey)
        log.info(
            "replay.started",
            file=self._table.path.name,
            format=self._format.name,
            sensors=len(survey.sensors),
            readings=survey.readings_in_window,
            sorted_in_memory=not survey.in_order,
        )
        for external_id in survey.sensors:
            row = self._sidecar.get(external_id) or layout.descriptions.get(external_id)
            speed_kmh = survey.free_flow_speed_kmh(external_id)
            await publisher.publish(describe(external_id, row, self._format, speed_kmh))
        await publisher.flush()
        try:
            async for block in self._in_order(survey):
                await self._publish(block, survey.readings_in_window, publisher)
        finally:
            await publisher.flush()
        log.info(
            "replay.finished",
            file=self._table.path.name,
            published=self._done,
            refused=dict(publisher.refused),
        )

    async def _look_over(self) -> tuple[Survey, Layout]:
        survey = Survey(self._window)
        layout = self._layout(newest_first=False)
        try:
            async for _ in _in_thread(_surveyed(layout, survey)):
                pass
        except SourceError as error:  # raised again when the rows before the damage are published
            log.warning("replay.damaged", error=str(error))
        return survey, layout

    def _layout(self, *, newest_first: bool) -> Layout:
        times = Times(self._format.zone, self._format.time_patterns, newest_first=newest_first)
        return layout_of(self._table, self._format, times)

    def _outcomes(self, survey: Survey) -> Iterator[list[Outcome]]:
        for columns in self._layout(newest_first=survey.newest_first).columns():
            yield list(outcomes(self._table.path.name, columns, self._window))
            if survey.in_order and is_past(columns, self._window):
                return

    async def _in_order(self, survey: Survey) -> AsyncIterator[Iterable[Outcome]]:
        stream = self._outcomes(survey)
        if survey.in_order:
            async for block in _in_thread(stream):
                yield block
            return
        sorting = Sorting()
        damage: SourceError | None = None
        try:
            async for block in _in_thread(stream):
                yield [outcome for outcome in block if not isinstance(outcome, Reading)]
                sorting.add(outcome for outcome in block if isinstance(outcome, Reading))
        except SourceError as error:
            damage = error
        async for readings in _in_thread(sorting.blocks()):
            yield readings
        if damage is not None:
            raise damage

    async def _publish(self, block: Iterable[Outcome], total: int, publisher: Publisher) -> None:
        for outcome in block:
            if isinstance(outcome, Reading):
                if not self._pace.is_due(outcome.time):
                    self._progress(self._done, total)
                    await self._pace.wait(outcome.time)
                await publisher.publish(outcome)
                self._done += 1
            elif isinstance(outcome, Refused):
                publisher.count_refused(outcome.reason)
            else:
                await self._reject(outcome, publisher)
        self._progress(self._done, total)

    async def _reject(self, outcome: Rejected, publisher: Publisher) -> None:
        log.warning("replay.row_rejected", origin=outcome.origin, reason=outcome.reason)
        await publisher.reject(outcome.origin, outcome.row[:LONGEST_LETTER_BYTES], outcome.reason)

    def _check_not_empty(self, survey: Survey) -> None:
        if survey.is_empty:
            raise SourceError(f"{self._table.path} has no rows below its column names; there is nothing to replay.")
        if survey.readings and not survey.readings_in_window:
            raise ConfigurationError(
                f"{self._table.path} has no reading in the time asked for: it covers {survey.first} to {survey.last}."
            )


def _check_bounds(start: datetime | None, end: datetime | None) -> None:
    for name, bound in (("start", start), ("end", end)):
        if bound is not None and bound.tzinfo is None:
            raise ConfigurationError(
                f"The {name} {bound.isoformat()} has no offset from UTC: write it as 2017-09-04T00:00:00-04:00."
            )
    if start is not None and end is not None and start >= end:
        raise ConfigurationError(f"The start {start.isoformat()} is not before the end {end.isoformat()}.")


def _choose_format(table: Table, name: str | None) -> formats.Format:
    if name is None:
        return formats.recognise(str(table.path), table.first_row)
    chosen = formats.named(name)
    formats.check_fit(chosen, str(table.path), table.first_row)
    return chosen


def _surveyed(layout: Layout, survey: Survey) -> Iterator[bool]:
    for columns in layout.columns():
        survey.add(columns)
        yield True


async def _in_thread(blocks: Iterator[T]) -> AsyncIterator[T]:
    """The blocks, each made in a thread, so that the event loop is free meanwhile."""
    while (block := await asyncio.to_thread(next, blocks, None)) is not None:
        yield block
