"""History of a sensor, an area, the whole city."""

from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Query, Response
from pydantic import Field
from sqlalchemy import Select, Table, func, select

from api.database import Database
from api.deps import DatabaseDep, SettingsDep
from api.http.answering import LIVE, Listing, answer_list
from api.http.asking import AskedDep
from api.http.describing import lists
from api.http.shapes import Shape
from api.http.times import Span, SpanDep
from api.resources.filters import NO_NUL, SensorPath, in_area, sensor_id_of
from api.resources.history.levels import Level, level_for
from api.resources.history.shapes import AREA_LEVELS, SENSOR_LEVELS, of_city, of_readings, of_rollup
from schema.rollups import UNASSIGNED
from schema.tables import readings, sensors

router = APIRouter(tags=["history"])

#: What a raw reading has, and every rollup.
_SHAPE = of_readings()
_LEVEL_TOLD = (str, Field(description="the level that was picked", examples=["5m"]))


class Detail(StrEnum):
    """What can be asked for."""

    AUTO, RAW, FIVE_MINUTES, HOUR, DAY = "auto", "raw", "5m", "1h", "1d"


Wanted = Annotated[Detail, Query(description="level of detail; `auto` picks by the length of the span")]
AreaPath = Annotated[
    str, Path(max_length=200, pattern=NO_NUL, description="part of the city", examples=["Manhattan"])
]


@router.get("/sensors/{sensor:path}/history", **lists(_SHAPE, missing="There is no such sensor", level=_LEVEL_TOLD))
async def sensor_history(
    asked: AskedDep,
    database: DatabaseDep,
    settings: SettingsDep,
    sensor: SensorPath,
    span: SpanDep,
    level: Wanted = Detail.AUTO,
) -> Response:
    """How it was at a sensor: readings, or means over 5 minutes, hours, UTC days, as the span's length suggests."""
    sensor_id = await sensor_id_of(database, sensor)
    picked = level_for(span, settings, level.value)
    table: Table = readings if picked is Level.RAW else SENSOR_LEVELS[picked]
    shape = of_readings() if picked is Level.RAW else of_rollup(table)
    statement = shape.select().where(table.c.sensor_id == sensor_id, *_within(table, span))
    return await _answer(asked, database, shape, statement, table, picked)


@router.get("/areas/{area:path}/history", **lists(_SHAPE, missing="There is no such area", level=_LEVEL_TOLD))
async def area_history(
    asked: AskedDep,
    database: DatabaseDep,
    settings: SettingsDep,
    area: AreaPath,
    span: SpanDep,
    level: Wanted = Detail.AUTO,
) -> Response:
    """How it was in a part of the city: means over 5 minutes, hours or UTC days."""
    name = await area_named(database, area)
    picked = level_for(span, settings, level.value, Level.FIVE_MINUTES)
    table = AREA_LEVELS[picked]
    shape = of_rollup(table)
    statement = shape.select().where(table.c.area == name, *_within(table, span))
    return await _answer(asked, database, shape, statement, table, picked)


@router.get("/history", **lists(_SHAPE, level=_LEVEL_TOLD))
async def city_history(
    asked: AskedDep, database: DatabaseDep, settings: SettingsDep, span: SpanDep, level: Wanted = Detail.AUTO
) -> Response:
    """How it was in the whole city: means over 5 minutes, hours or UTC days."""
    picked = level_for(span, settings, level.value, Level.FIVE_MINUTES)
    table = AREA_LEVELS[picked]
    shape = of_city(table)
    rows = shape.select().where(*_within(table, span)).group_by(table.c.time).subquery()
    whole = shape.over(rows)
    return await _answer(asked, database, whole, whole.select(), rows, picked)


def _within(table: Table, span: Span) -> list[Any]:
    return [table.c.time >= span.start, table.c.time < span.end]


async def _answer(
    asked: AskedDep, database: Database, shape: Shape, statement: Select[Any], rows: Any, level: Level
) -> Response:
    extra = {"level": level.value}
    return await answer_list(asked, database, Listing(shape, statement, (rows.c.time,), cache=LIVE, extra=extra))


async def area_named(database: Database, area: str) -> str:
    """As it is stored; raises 404 for one that no sensor is in."""
    name = func.coalesce(sensors.c.area, UNASSIGNED)
    found: str | None = await database.value(select(name).where(in_area(name, area)).limit(1))
    if found is None:
        raise HTTPException(404, f"There is no area {area}: see /api/v1/traffic/areas for those there are.")
    return found
