"""What an engine promises: to keep a table as a time series, and to have a chunk ready for any row."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import Connection


class Engine(Protocol):
    """How one kind of server keeps time series; nothing outside `schema` asks which it is."""

    name: str

    def prepare(self, connection: Connection) -> None:
        """Make the database able to hold time series; called before the first migration."""

    def table_options(self) -> dict[str, Any]:
        """Keyword arguments for the `CREATE TABLE` of a time series."""

    def adopt(self, connection: Connection, table: str, chunk: timedelta) -> None:
        """Turn the just created, empty `table` into a time series in chunks of `chunk`."""

    def chunks_to_make(self, table: str, times: Iterable[datetime]) -> dict[str, str]:
        """Name and DDL of each chunk that rows of `times` need and that the server does not make by itself."""
