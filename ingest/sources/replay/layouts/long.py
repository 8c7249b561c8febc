"""One observation a row."""

from collections.abc import Sequence

from ingest.sources.replay.columns import Columns, Memo, number
from ingest.sources.replay.format import Format
from ingest.sources.replay.layouts.layout import Layout, Texts
from ingest.sources.replay.tables import Block, Rows
from ingest.sources.replay.times import Times
from urbanclear.errors import InvalidEvent


class Long(Layout):
    """One observation a row, of the sensor that the row names, or of the only one there is."""

    def __init__(self, table: Rows, chosen: Format, times: Times) -> None:
        super().__init__(table, chosen, times)
        self._time_at = self._column[str(chosen.time_column)]
        self._status_at = self._column.get(chosen.status_column or "")
        self._no_data = Memo(self._read_status)

    def _columns(self, block: Block, whole: list[int], unusable: list[tuple[int, InvalidEvent]]) -> Columns:
        rows = [block.rows[index] or [] for index in whole]
        texts = self._by_column(rows)
        sensors = self._sensors(texts)
        moments = list(map(self._moment.__getitem__, texts[self._time_at]))
        self._take_descriptions(sensors, rows)
        return Columns(
            block=block,
            sensors=sensors,
            times=self._instants(sensors, moments),
            no_data=self._flags(texts),
            measures={
                name: self._values(texts[self._column[measure.column]], measure)
                for name, measure in self._format.measures.items()
                if measure.column in self._column
            },
            rows=whole,
            unusable=unusable,
        )

    def _flags(self, texts: Texts) -> Sequence[bool | InvalidEvent]:
        stamps = texts[self._time_at]
        if self._status_at is None:
            return [False] * len(stamps)
        flags = list(map(self._no_data.__getitem__, texts[self._status_at]))
        if never := {stamp for stamp in set(stamps) if self._was_never_set(stamp)}:
            return [True if stamp in never else flag for stamp, flag in zip(stamps, flags, strict=True)]
        return flags

    def _was_never_set(self, stamp: str) -> bool:
        """Whether a stamp is the one that a link's clock starts from."""
        never = self._format.never_set
        if never is None or str(never.year) not in stamp:
            return False
        try:
            return self._times.local(stamp) == never
        except InvalidEvent:
            return False

    def _read_status(self, text: str) -> bool:
        status = number(text)
        if status is None:
            raise InvalidEvent("bad_status", "the status is empty")
        return status == self._format.no_data_status
