"""New York's DOT speed feed: some 150 road links, every few minutes, in any of the forms that it is served in.

The Socrata API gives the newest rows of all links, the forms `linkspeedquery` (TSV) and XML one row a link. What the
columns mean is the replay's knowledge; here is what differs for a document that is made now.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ingest.sources.live.feed import Document, Feed, Part
from ingest.sources.live.records import Record, records
from ingest.sources.live.socrata import app_token, newest
from ingest.sources.outcome import Rejected
from ingest.sources.replay.formats import NYC_DOT
from ingest.sources.replay.layouts import layout_of
from ingest.sources.replay.rows import Window, outcomes
from ingest.sources.replay.sensors import describe
from ingest.sources.replay.tables import Block
from ingest.sources.replay.times import Times, Twice
from schema.events import Sensor, decode, encode
from urbanclear.errors import InvalidEvent

COLUMNS: Final = ("speed", "traveltime", "status", "dataasof", "linkid")
CLOCK_TOLERANCE: Final = timedelta(minutes=5)
OF_ANOTHER_WIDTH: Final = [""]
ROWS: Final = 1_000  # half an hour of all links, so that a short outage leaves no gap


class LocalTimes(Times):
    """New York's stamps in a document of `fetched_at`.

    In the hour that comes twice a link's only stamp means the second pass once that is no longer ahead of the clock.
    Of a link with several rows, sorted by local time, all mean the first: which is which can no longer be told, and
    an hour without readings is better than one with wrong ones.
    """

    def __init__(self, fetched_at: datetime, several: frozenset[str]) -> None:
        super().__init__(NYC_DOT.zone, NYC_DOT.time_patterns)
        self._latest = fetched_at + CLOCK_TOLERANCE
        self._several = several

    def tell_apart(self, sensor: str, moment: Twice) -> datetime:
        """Which of the two is meant."""
        return moment.earlier if sensor in self._several or moment.later > self._latest else moment.later


@dataclass
class _Rows:
    """A document's records as the replay reads a file's."""

    columns: list[str]
    block: Block
    first_row_line: int = 1

    def blocks(self) -> Iterator[Block]:
        yield self.block


def parse(document: Document) -> Iterable[Part]:
    """Sensors, readings, rows that say they have no data, and rows that cannot be used."""
    found = records(document, *({column} for column in COLUMNS))
    counts = Counter(NYC_DOT.prefix + record.cells.get("linkid", "").strip() for record in found)
    times = LocalTimes(document.fetched_at, frozenset(link for link, count in counts.items() if count > 1))
    layout = layout_of(_as_rows(found), NYC_DOT, times)
    for columns in layout.columns():
        yield from outcomes(document.url, columns, Window())
    for external_id, row in layout.descriptions.items():
        yield _described(document, external_id, row)


def _as_rows(found: list[Record]) -> _Rows:
    columns = list(dict.fromkeys([*COLUMNS, *(name for record in found for name in record.cells)]))
    rows: list[list[str] | None] = [
        [record.cells.get(name, "") for name in columns] if record.cells else OF_ANOTHER_WIDTH for record in found
    ]
    return _Rows(columns, Block(1, rows, [record.raw for record in found]))


def _described(document: Document, external_id: str, row: Mapping[str, str]) -> Sensor | Rejected:
    sensor = describe(external_id, row, NYC_DOT, None)
    try:
        return decode(Sensor, encode(sensor))
    except InvalidEvent:
        return Rejected(document.origin(external_id), encode(sensor), "bad_description")


FEED: Final = Feed(
    name="nyc-dot",
    about="Speeds and travel times on New York's main roads, from the city's DOT.",
    url=newest("i4gi-tjb9", "data_as_of DESC", ROWS),
    every=timedelta(minutes=1),
    media=(
        "application/json",
        "text/csv",
        "text/tab-separated-values",
        "text/plain",
        "application/xml",
        "text/xml",
    ),
    parse=parse,
    headers=app_token,
)
