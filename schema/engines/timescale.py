"""TimescaleDB: hypertables, whose chunks the server makes by itself."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text


class Timescale:
    """Hypertables."""

    name = "timescaledb"

    def prepare(self, connection: Connection) -> None:
        connection.execute(text("CREATE EXTENSION IF NOT EXISTS timescaledb"))

    def table_options(self) -> dict[str, Any]:
        return {}

    def adopt(self, connection: Connection, table: str, chunk: timedelta) -> None:
        create = text(
            "SELECT create_hypertable(CAST(:table AS regclass), by_range('time', CAST(:chunk AS interval)))"
        )
        connection.execute(create, {"table": table, "chunk": chunk})

    def chunks_to_make(self, table: str, times: Iterable[datetime]) -> dict[str, str]:
        return {}
