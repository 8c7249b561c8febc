"""`/api/v1/weather`."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from api.deps import DatabaseDep
from api.http.answering import Listing, answer_list
from api.http.asking import AskedDep
from api.http.describing import lists
from api.http.shapes import shape, told
from api.http.times import SpanDep
from api.resources.filters import NO_NUL
from schema.tables import weather

router = APIRouter(prefix="/weather", tags=["weather"])

WEATHER: Final = shape("Weather", "What a weather station observed", [told(column) for column in weather.c])


@router.get("", **lists(WEATHER))
async def list_weather(
    asked: AskedDep,
    database: DatabaseDep,
    span: SpanDep,
    station: Annotated[
        str | None, Query(max_length=120, pattern=NO_NUL, description="where it was observed", examples=["city"])
    ] = None,
) -> Response:
    """What stations observed, newest first."""
    statement = WEATHER.select().where(weather.c.time >= span.start, weather.c.time < span.end)
    if station is not None:
        statement = statement.where(weather.c.station == station)
    key = (weather.c.time, weather.c.station)
    return await answer_list(asked, database, Listing(WEATHER, statement, key, descending=True))
