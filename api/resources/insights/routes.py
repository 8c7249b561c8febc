"""`/api/v1/insights`."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.deps import DatabaseDep, SettingsDep
from api.http.answering import SETTLED, Listing, answer_list
from api.http.asking import AskedDep
from api.http.describing import lists
from api.http.problems import bad_parameter
from api.resources.filters import NO_NUL
from api.resources.insights.shapes import INSIGHT, insights_of
from schema.days import Days
from schema.tables import insights
from urbanclear.errors import ConfigurationError

router = APIRouter(tags=["insights"])

Kind = Annotated[
    str | None, Query(max_length=100, pattern=NO_NUL, description="one kind alone", examples=["worst_delay"])
]
Week = Annotated[
    str | None,
    Query(pattern=r"^(19|20)[0-9]{2}-W[0-9]{2}$", description="of ISO 8601, Monday to Sunday", examples=["2026-W10"]),
]
Run = Annotated[str | None, Query(max_length=200, pattern=NO_NUL, description="those of one run")]


@router.get("/insights", **lists(INSIGHT))
async def list_insights(
    asked: AskedDep,
    database: DatabaseDep,
    settings: SettingsDep,
    kind: Kind = None,
    week: Week = None,
    run: Run = None,
) -> Response:
    """What a week was notable for, or the days of a run; where not said, the newest days that there is a run of."""
    statement = insights_of(run, None if week is None else bounds_of(week, settings.time_zone))
    if kind is not None:
        statement = statement.where(insights.c.kind == kind)
    key = (insights.c.kind, insights.c.rank)
    return await answer_list(asked, database, Listing(INSIGHT, statement, key, cache=SETTLED))


def bounds_of(week: str, time_zone: str) -> tuple[datetime, datetime]:
    """From the beginning of a week until its end; raises the problem of a week that there is not."""
    try:
        return Days.of_week(week).bounds(time_zone)
    except ConfigurationError as error:
        raise bad_parameter("week", str(error).rstrip(".")) from None
