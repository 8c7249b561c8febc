"""A recorded file, opened: its survey, its sensors, and what its rows say, oldest first.

A file in time order is streamed and not read beyond the `end` asked for; any other is sorted in memory.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from ingest.sources.replay import formats
from ingest.sources.replay.collisions import read_collisions
from ingest.sources.replay.format import Format
from ingest.sources.replay.layouts import Layout, layout_of
from ingest.sources.replay.making import maker
from ingest.sources.replay.rows import Outcome, Window, is_past, outcomes
from ingest.sources.replay.sensors import describe, read_sidecar
from ingest.sources.replay.sorting import Sorting
from ingest.sources.replay.survey import Survey
from ingest.sources.replay.tables import Table, open_table
from ingest.sources.replay.times import Times
from schema.events import Event, Incident, Reading, Sensor
from urbanclear.errors import ConfigurationError, SourceError
from urbanclear.logs import get_logger

log = get_logger("ingest")

T = TypeVar("T")


class Recording:
    """The file at `path`, of which `window` is asked for.

    Raises `SourceError` when the file cannot be read and `ConfigurationError` when an argument does not fit it.
    """

    def __init__(self, path: Path, name: str | None, sensors: Path | None, window: Window) -> None:
        self._table = open_table(path)
        self.format = _choose_format(self._table, name)
        self._sidecar = read_sidecar(self.format, path, sensors)
        self._window = window
        self._descriptions: dict[str, dict[str, str]] = {}

    @property
    def name(self) -> str:
        """The file's name."""
        return self._table.path.name

    @property
    def zone(self) -> ZoneInfo | None:
        """Where its stamps are local."""
        return ZoneInfo(self.format.zone) if self.format.zone else None

    async def look_over(self) -> Survey:
        """The survey of all of it; raises where there is nothing to replay."""
        survey = Survey(self._window)
        if self.format.event is Incident:
            await asyncio.to_thread(self._look_over_collisions, survey)
            self._check_not_empty(survey)
            return survey
        layout = self._layout(newest_first=False)
        try:
            async for _ in _in_thread(_surveyed(layout, survey)):
                pass
        except SourceError as error:  # raised again when the rows before the damage are published
            log.warning("replay.damaged", error=str(error))
        self._descriptions = layout.descriptions
        self._check_not_empty(survey)
        return survey

    def sensors(self, survey: Survey) -> Iterator[Sensor]:
        """The file's sensors as far as they are known; none where it holds no readings."""
        if self.format.event is not Reading:
            return
        for external_id in survey.sensors:
            row = self._sidecar.get(external_id) or self._descriptions.get(external_id)
            yield describe(external_id, row, self.format, survey.free_flow_speed_kmh(external_id))

    async def blocks(self, survey: Survey) -> AsyncIterator[Iterable[Outcome]]:
        """What its rows say, in time order; raises `SourceError` at the end when the file turns out damaged."""
        stream = self._outcomes(survey)
        if survey.in_order:
            async for block in _in_thread(stream):
                yield block
            return
        sorting = Sorting()
        damage: SourceError | None = None
        try:
            async for block in _in_thread(stream):
                yield [outcome for outcome in block if not isinstance(outcome, Event)]
                sorting.add(outcome for outcome in block if isinstance(outcome, Event))
        except SourceError as error:
            damage = error
        async for events in _in_thread(sorting.blocks()):
            yield events
        if damage is not None:
            raise damage

    def _layout(self, *, newest_first: bool) -> Layout:
        times = Times(self.format.zone, self.format.time_patterns, newest_first=newest_first)
        return layout_of(self._table, self.format, times)

    def _look_over_collisions(self, survey: Survey) -> None:
        for part in read_collisions(self._table.path, Window()):
            if isinstance(part, Incident):
                survey.add_event(part.id, part.time)
            else:
                survey.is_empty = False

    def _outcomes(self, survey: Survey) -> Iterator[list[Outcome]]:
        if self.format.event is Incident:
            yield list(read_collisions(self._table.path, self._window))
            return
        make = maker(self.format.event)
        for columns in self._layout(newest_first=survey.newest_first).columns():
            yield list(outcomes(self.name, columns, self._window, make))
            if survey.in_order and is_past(columns, self._window):
                return

    def _check_not_empty(self, survey: Survey) -> None:
        path = self._table.path
        if survey.is_empty:
            raise SourceError(f"{path} has no rows below its column names; there is nothing to replay.")
        if survey.span and not survey.span_in_window:
            raise ConfigurationError(
                f"{path} has no reading in the time asked for: it covers {survey.span.first} to {survey.span.last}."
            )


def _choose_format(table: Table, name: str | None) -> Format:
    file = str(table.path)
    if name is None:
        chosen = formats.recognise(file, table.first_row)
    else:
        chosen = formats.named(name)
        formats.check_fit(chosen, file, table.first_row)
    return chosen.of_file(chosen, file)


def _surveyed(layout: Layout, survey: Survey) -> Iterator[bool]:
    for columns in layout.columns():
        survey.add(columns)
        yield True


async def _in_thread(blocks: Iterator[T]) -> AsyncIterator[T]:
    """The blocks, each made in a thread, so that the event loop is free meanwhile."""
    while (block := await asyncio.to_thread(next, blocks, None)) is not None:
        yield block
