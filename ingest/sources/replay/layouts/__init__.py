"""How a file's rows and columns hold its observations: one a row, one a sensor's column, or one an hour's column."""

from ingest.sources.replay.format import Format
from ingest.sources.replay.layouts.daily import Daily
from ingest.sources.replay.layouts.layout import Layout
from ingest.sources.replay.layouts.long import Long
from ingest.sources.replay.layouts.wide import Wide
from ingest.sources.replay.tables import Rows
from ingest.sources.replay.times import Times

__all__ = ["Layout", "layout_of"]


def layout_of(table: Rows, chosen: Format, times: Times) -> Layout:
    """The reader of a table in the chosen format."""
    if chosen.date_column is not None:
        return Daily(table, chosen, times)
    is_long = chosen.sensor_columns or chosen.sensor is not None
    return (Long if is_long else Wide)(table, chosen, times)
