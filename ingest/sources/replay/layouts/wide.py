"""One time a row, one sensor a column."""

from datetime import datetime
from typing import Final

from ingest.sources.replay.columns import Columns
from ingest.sources.replay.format import Format
from ingest.sources.replay.layouts.layout import Layout
from ingest.sources.replay.tables import Block, Rows
from ingest.sources.replay.times import Times, Twice
from urbanclear.errors import InvalidEvent

ANY_SENSOR: Final = ""


class Wide(Layout):
    """One time a row, one sensor a column. A row without a time is unusable, unless it holds no observation."""

    def __init__(self, table: Rows, chosen: Format, times: Times) -> None:
        super().__init__(table, chosen, times)
        self._time_at = None if chosen.time_column is None else self._column[chosen.time_column]
        self._from = 0 if self._time_at is None else 1
        self._names = table.columns[self._from :]
        self._external_ids = [chosen.prefix + name for name in self._names]
        [(self._measure_name, self._measure)] = chosen.measures.items()

    def _columns(self, block: Block, whole: list[int], unusable: list[tuple[int, InvalidEvent]]) -> Columns:
        texts = [text for index in whole for text in (block.rows[index] or [])[self._from :]]
        values = self._values(texts, self._measure)
        moments = [self._row_moment(block, index) for index in whole]
        times = self._instants([ANY_SENSOR] * len(whole), moments)
        width = len(self._names)
        kept = []
        for place, (index, time) in enumerate(zip(whole, times, strict=True)):
            if isinstance(time, InvalidEvent) and any(
                value is not None for value in values[place * width : (place + 1) * width]
            ):
                unusable.append((index, time))
            else:
                kept.append(place)
        if len(kept) < len(whole):
            values = [value for place in kept for value in values[place * width : (place + 1) * width]]
        return Columns(
            block=block,
            sensors=self._external_ids * len(kept),
            times=[times[place] for place in kept for _ in range(width)],
            no_data=[False] * (len(kept) * width),
            measures={self._measure_name: values},
            rows=[whole[place] for place in kept for _ in range(width)],
            names=self._names * len(kept),
            unusable=unusable,
        )

    def _row_moment(self, block: Block, index: int) -> datetime | Twice | InvalidEvent:
        if self._format.steps is None:
            return self._moment[(block.rows[index] or [])[self._time_at or 0]]
        row = block.line(index) - self._table.first_row_line
        return self._moment[self._format.steps.at(row).isoformat()]
