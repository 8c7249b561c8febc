"""Plain PostgreSQL: native range partitions on `time`, made as rows need them."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import sql
from sqlalchemy import Connection

from schema.tables import TIME_SERIES

_EPOCH = datetime(1970, 1, 5, tzinfo=UTC)  # a Monday, so that weekly partitions are ISO weeks


class PlainPostgres:
    """Range partitions named `<table>_<first day>`."""

    name = "postgresql"

    def prepare(self, connection: Connection) -> None:
        pass

    def table_options(self) -> dict[str, Any]:
        return {"postgresql_partition_by": "RANGE (time)"}

    def adopt(self, connection: Connection, table: str, chunk: timedelta) -> None:
        pass

    def chunks_to_make(self, table: str, times: Iterable[datetime]) -> dict[str, str]:
        width = TIME_SERIES[table]
        starts = {_EPOCH + (time - _EPOCH) // width * width for time in times}
        return dict(_partition(table, start, start + width) for start in sorted(starts))


def _partition(table: str, start: datetime, end: datetime) -> tuple[str, str]:
    name = f"{table}_{start:%Y%m%d}"
    create = sql.SQL("CREATE TABLE IF NOT EXISTS {} PARTITION OF {} FOR VALUES FROM ({}) TO ({})").format(
        sql.Identifier(name),
        sql.Identifier(table),
        sql.Literal(start.isoformat()),
        sql.Literal(end.isoformat()),
    )
    return name, create.as_string()
