"""`/api/v1/corridors`."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Response
from sqlalchemy import Table, select

from api.database import Database
from api.deps import DatabaseDep, SettingsDep
from api.http.answering import LIVE, SETTLED, Listing, answer_list, answer_one
from api.http.asking import AskedDep, AskedOneDep
from api.http.describing import lists, tells
from api.http.problems import bad_parameter
from api.http.times import Span, SpanDep, WeekDep
from api.resources.corridors.shapes import CORRIDOR, SCAN, TRAVEL_TIME, reliability
from api.resources.filters import NO_NUL, Area, alike, in_area
from schema.relations import congestion_scan, corridor_travel_times
from schema.tables import links, sensors

router = APIRouter(prefix="/corridors", tags=["corridors"])

Corridor = Annotated[
    str, Path(max_length=300, pattern=NO_NUL, description="road and direction, in any case", examples=["FDR Drive N"])
]
MISSING = "There is no such corridor"
LONGEST = timedelta(days=31)


@router.get("", **lists(CORRIDOR))
async def list_corridors(asked: AskedDep, database: DatabaseDep, area: Area = None) -> Response:
    """Every road and direction that has sensors whose place is known; or those that pass through an area."""
    statement = CORRIDOR.select().where(links.c.corridor.is_not(None)).group_by(links.c.corridor)
    if area is not None:
        inside = select(sensors.c.id).where(in_area(sensors.c.area, area))
        passing = select(links.c.corridor).where(links.c.sensor_id.in_(inside)).scalar_subquery()
        statement = statement.where(links.c.corridor.in_(passing))
    rows = statement.subquery()
    shape = CORRIDOR.over(rows)
    return await answer_list(asked, database, Listing(shape, shape.select(), (rows.c.corridor,), cache=SETTLED))


@router.get("/{corridor:path}/travel-times", **lists(TRAVEL_TIME, missing=MISSING))
async def travel_times(asked: AskedDep, database: DatabaseDep, corridor: Corridor, span: SpanDep) -> Response:
    """Travel time from end to end in each 5 minutes, with its index over free flow."""
    name = await _named(database, corridor)
    statement = TRAVEL_TIME.select().where(*_within(corridor_travel_times, name, span))
    return await answer_list(asked, database, Listing(TRAVEL_TIME, statement, (corridor_travel_times.c.time,)))


@router.get("/{corridor:path}/scan", **lists(SCAN, missing=MISSING))
async def scan(asked: AskedDep, database: DatabaseDep, corridor: Corridor, span: SpanDep) -> Response:
    """Speed by time and place: a heat map on which queues are seen to grow and to dissolve."""
    name = await _named(database, corridor)
    view = congestion_scan
    statement = SCAN.select().where(*_within(view, name, span))
    return await answer_list(asked, database, Listing(SCAN, statement, (view.c.time, view.c.ordinal), cache=LIVE))


@router.get("/{corridor:path}/reliability", **tells(reliability(0.95), missing=MISSING))
async def corridor_reliability(
    asked: AskedOneDep, database: DatabaseDep, settings: SettingsDep, corridor: Corridor, span: WeekDep
) -> Response:
    """Travel time index, planning time index and buffer index over the span, a week where not said (FHWA 2006).

    The planning percentile is `URBANCLEAR_PLANNING_PERCENTILE`.
    """
    name = await _named(database, corridor)
    shape = reliability(settings.planning_percentile)
    statement = shape.select().where(*_within(corridor_travel_times, name, span))
    return await answer_one(asked, database, Listing(shape, statement, (), cache=SETTLED), MISSING)


def _within(view: Table, corridor: str, span: Span) -> list[Any]:
    if span.length > LONGEST:
        raise bad_parameter("from", f"a span of a corridor is up to {LONGEST.days} days")
    return [view.c.corridor == corridor, view.c.time >= span.start, view.c.time < span.end]


async def _named(database: Database, corridor: str) -> str:
    """As it is stored; raises 404 where there is none."""
    found: str | None = await database.value(
        select(links.c.corridor).where(alike(links.c.corridor, corridor)).limit(1)
    )
    if found is None:
        raise HTTPException(404, f"There is no corridor {corridor}: see /api/v1/corridors for those there are.")
    return found
