"""`/api/v1/reliability`, `delay`, `bottlenecks`, `incident-impact`: what is computed of each of the city's days."""

from datetime import date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response
from sqlalchemy import ColumnElement, Select, Table, literal

from api.deps import DatabaseDep
from api.http.answering import SETTLED, Listing, answer_list
from api.http.asking import AskedDep
from api.http.describing import lists
from api.http.shapes import Shape, shape, told
from api.http.times import DaysDep
from api.resources.filters import NO_NUL, Area, Corridor, Sensors, alike, in_area
from schema.relations import bottlenecks, delay_daily, incident_impact, reliability_daily

router = APIRouter(tags=["measures"])

Period = Annotated[
    str | None, Query(max_length=50, pattern=NO_NUL, description="period of the day", examples=["am_peak"])
]


_DOOMSDAY: Final = date(9999, 12, 31)


def _shape(name: str, description: str, view: Table) -> Shape:
    return shape(name, description, [told(column) for column in view.c if column.name != "sensor_id"])


RELIABILITY: Final = _shape("Reliability", "How reliable a sensor's link was, by day and period", reliability_daily)
DELAY: Final = _shape("Delay", "Time lost on a sensor's link in a day", delay_daily)
BOTTLENECK: Final = _shape("Bottleneck", "An activation of a bottleneck", bottlenecks)
IMPACT: Final = _shape("IncidentImpact", "What an incident cost against the same hour's normal", incident_impact)


@router.get("/reliability", **lists(RELIABILITY))
async def reliability(
    asked: AskedDep,
    database: DatabaseDep,
    days: DaysDep,
    area: Area = None,
    corridor: Corridor = None,
    sensor: Sensors = None,
    period: Period = None,
) -> Response:
    """Travel time index, planning time index and buffer index of each link, by the city's day and period.

    The days are those that the span touches; a week where not said.
    """
    view = reliability_daily
    statement = _of(RELIABILITY, view, days, area, corridor, sensor)
    if period is not None:
        statement = statement.where(view.c.period == period)
    return await _answer(asked, database, RELIABILITY, statement, (view.c.day, view.c.sensor, view.c.period))


@router.get("/delay", **lists(DELAY))
async def delay(
    asked: AskedDep,
    database: DatabaseDep,
    days: DaysDep,
    area: Area = None,
    corridor: Corridor = None,
    sensor: Sensors = None,
) -> Response:
    """Vehicle hours lost on each link, by the city's day."""
    statement = _of(DELAY, delay_daily, days, area, corridor, sensor)
    return await _answer(asked, database, DELAY, statement, (delay_daily.c.day, delay_daily.c.sensor))


@router.get("/bottlenecks", **lists(BOTTLENECK))
async def list_bottlenecks(
    asked: AskedDep,
    database: DatabaseDep,
    days: DaysDep,
    area: Area = None,
    corridor: Corridor = None,
    sensor: Sensors = None,
) -> Response:
    """Where queues began, how long and how far they reached: by the city's day, newest first, and by rank.

    The rank is that of the whole city's day, whatever is asked for.
    """
    view = bottlenecks
    statement = _of(BOTTLENECK, view, days, area, corridor, sensor)
    newest_first = (literal(_DOOMSDAY) - view.c.day, view.c.rank, view.c.sensor, view.c.started_at)
    return await _answer(asked, database, BOTTLENECK, statement, newest_first)


@router.get("/incident-impact", **lists(IMPACT))
async def impact(asked: AskedDep, database: DatabaseDep, days: DaysDep, area: Area = None) -> Response:
    """What incidents cost, of those that began on the days of the span."""
    statement = _of(IMPACT, incident_impact, days, area)
    return await _answer(asked, database, IMPACT, statement, (incident_impact.c.day, incident_impact.c.incident_id))


def _of(
    shown: Shape,
    view: Table,
    days: DaysDep,
    area: str | None,
    corridor: str | None = None,
    sensor: list[str] | None = None,
) -> Select[Any]:
    statement = shown.select().where(view.c.day.between(*days))
    if area is not None:
        statement = statement.where(in_area(view.c.area, area))
    if corridor is not None:
        statement = statement.where(alike(view.c.corridor, corridor))
    if sensor:
        statement = statement.where(view.c.sensor.in_(sensor))
    return statement


async def _answer(
    asked: AskedDep, database: DatabaseDep, shown: Shape, statement: Select[Any], key: tuple[ColumnElement[Any], ...]
) -> Response:
    return await answer_list(asked, database, Listing(shown, statement, key, cache=SETTLED))
