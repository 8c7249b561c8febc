"""`/api/v1/predictions`."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.deps import DatabaseDep
from api.http.answering import LIVE, SETTLED, Listing, answer_list
from api.http.asking import AskedDep
from api.http.describing import lists
from api.http.times import SpanDep
from api.resources.filters import WhereDep
from api.resources.predictions.shapes import HORIZON, PREDICTION, SKILL, newest_predictions
from schema.tables import forecast_totals, predictions, sensors

router = APIRouter(prefix="/predictions", tags=["predictions"])

Horizon = Annotated[
    int | None, Query(ge=1, le=1_440, description="minutes ahead; all horizons where not said", examples=[15])
]


@router.get("", **lists(PREDICTION))
async def current(asked: AskedDep, database: DatabaseDep, where: WhereDep, horizon: Horizon = None) -> Response:
    """What is expected now: each sensor's newest prediction, at all horizons or at one."""
    statement = newest_predictions(PREDICTION.select()).where(*where.conditions())
    if horizon is not None:
        statement = statement.where(HORIZON == horizon)  # noqa: SIM300
    key = (sensors.c.external_id, predictions.c.time)
    return await answer_list(asked, database, Listing(PREDICTION, statement, key, cache=LIVE))


@router.get("/skill", **lists(SKILL))
async def skill(asked: AskedDep, database: DatabaseDep, span: SpanDep) -> Response:
    """How well predictions came true, by model and horizon, over the hours that began in the span.

    They are scored within minutes after they come due, and anew when readings come late.
    """
    of_span = SKILL.select().where(forecast_totals.c.hour >= span.start, forecast_totals.c.hour < span.end)
    rows = of_span.group_by(forecast_totals.c.model, forecast_totals.c.horizon_minutes).subquery()
    shape = SKILL.over(rows)
    key = (rows.c.model, rows.c.horizon_minutes)
    return await answer_list(asked, database, Listing(shape, shape.select(), key, cache=SETTLED))
