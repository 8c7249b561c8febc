"""One sensor's day a row, one hour a column."""

from datetime import datetime, timedelta
from typing import Final

from ingest.sources.replay.columns import Columns, Memo
from ingest.sources.replay.format import Format
from ingest.sources.replay.layouts.layout import Layout
from ingest.sources.replay.tables import Block, Rows
from ingest.sources.replay.times import Times, Twice
from urbanclear.errors import InvalidEvent

HOURS: Final = 24


class Daily(Layout):
    """One sensor's day a row; the hours stand right of the date, and each is called by its beginning.

    A row whose sensor or date cannot be read is unusable.
    """

    def __init__(self, table: Rows, chosen: Format, times: Times) -> None:
        super().__init__(table, chosen, times)
        self._date_at = self._column[str(chosen.date_column)]
        self._hours = slice(self._date_at + 1, self._date_at + 1 + HOURS)
        self._names = table.columns[self._hours]
        self._date = Memo(times.local)
        [(self._measure_name, self._measure)] = chosen.measures.items()

    def _columns(self, block: Block, whole: list[int], unusable: list[tuple[int, InvalidEvent]]) -> Columns:
        rows = [block.rows[index] or [] for index in whole]
        sensors = self._sensors(self._by_column(rows))
        self._take_descriptions(sensors, rows)
        kept, ids, days = [], [], []
        for index, row, sensor in zip(whole, rows, sensors, strict=True):
            day = self._date[row[self._date_at]]
            if isinstance(sensor, InvalidEvent):
                unusable.append((index, sensor))
            elif isinstance(day, InvalidEvent):
                unusable.append((index, day))
            else:
                kept.append(index)
                ids += [sensor] * HOURS
                days.append(day)
        moments = [self._hour(day + timedelta(hours=hour)) for day in days for hour in range(HOURS)]
        cells = [cell for index in kept for cell in (block.rows[index] or [])[self._hours]]
        return Columns(
            block=block,
            sensors=ids,
            times=self._instants(ids, moments),
            no_data=[False] * len(cells),
            measures={self._measure_name: self._values(cells, self._measure)},
            rows=[index for index in kept for _ in range(HOURS)],
            names=self._names * len(kept),
            unusable=unusable,
        )

    def _hour(self, local: datetime) -> datetime | Twice | InvalidEvent:
        try:
            return self._times.resolve(local)
        except InvalidEvent as error:
            return error
