"""`/api/v1/export/{relation}`: whole relations, streamed."""

from enum import StrEnum
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Response
from sqlalchemy import ColumnElement, Table

from api.deps import DatabaseDep
from api.http.answering import SETTLED, Listing, answer_list
from api.http.asking import AskedDep
from api.http.describing import lists
from api.http.shapes import Shape, shape, told
from api.http.times import SpanDep
from schema.relations import VIEWS
from schema.tables import anomalies, incident_updates, incidents, predictions, readings, sensors, weather

router = APIRouter(prefix="/export", tags=["export"])

_TABLES: Final = (sensors, readings, weather, incidents, incident_updates, predictions, anomalies)
RELATIONS: Final = {table.name: table for table in (*_TABLES, *VIEWS)}
Relation = StrEnum("Relation", {name.upper(): name for name in RELATIONS})  # type: ignore[misc]
#: Rows that are the newest state of something have no span.
_TIMELESS: Final = ("sensors", "current_conditions", "sensor_health", "forecast_skill_by_sensor")
_ROW: Final = shape("Row", "A row of the relation, by column", ())


@router.get("/{relation}", **lists(_ROW))
async def export(
    asked: AskedDep,
    database: DatabaseDep,
    relation: Annotated[Relation, Path(description="a table or view, as docs/sql.md explains them")],
    span: SpanDep,
) -> Response:
    """All rows of a table or view in the span: as CSV, Parquet or Arrow in one stream of any size, as JSON in pages.

    Relations that hold the newest state of something have no span. Streams are in no order.
    """
    table = RELATIONS[str(relation)]
    rows = _shape_of(table)
    statement = rows.select()
    time = _time_of(table)
    if time == "day":
        first, last = span.start.date(), span.end.date()
        statement = statement.where(table.c.day.between(first, last))
    elif time is not None:
        statement = statement.where(table.c[time] >= span.start, table.c[time] < span.end)
    return await answer_list(asked, database, Listing(rows, statement, _key_of(table), cache=SETTLED))


def _shape_of(table: Table) -> Shape:
    return shape(f"{table.name}", "rows", [told(column) for column in table.c if column.name != "age"])


def _time_of(table: Table) -> str | None:
    if table.name in _TIMELESS:
        return None
    return next(name for name in ("day", "time", "started_at") if name in table.c)


_KEYS: Final = {
    "current_conditions": ("sensor_id",),
    "sensor_health": ("sensor_id",),
    "congestion_scan": ("corridor", "time", "ordinal"),
    "corridor_travel_times": ("corridor", "time"),
    "reliability_daily": ("day", "sensor_id", "period"),
    "delay_daily": ("day", "sensor_id"),
    "bottlenecks": ("day", "sensor_id", "started_at"),
    "incident_impact": ("day", "incident_id"),
    "forecast_skill": ("day", "model", "horizon_minutes"),
    "forecast_skill_by_sensor": ("sensor_id", "model", "horizon_minutes"),
}


def _key_of(table: Table) -> tuple[ColumnElement[Any], ...]:
    names = _KEYS.get(table.name) or tuple(column.name for column in table.primary_key)
    return tuple(table.c[name] for name in names or (table.columns.keys()[0], "time"))
