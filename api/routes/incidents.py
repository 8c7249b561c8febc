"""`/api/v1/incidents`."""

from typing import Annotated

from fastapi import APIRouter, Query

from api import models, queries
from api.bridge import CLEARED_SHOWN
from api.deps import DatabaseDep

router = APIRouter(prefix="/incidents", tags=["incidents"])


@router.get("")
async def list_incidents(
    database: DatabaseDep, limit: Annotated[int, Query(ge=1, le=1000)] = 200
) -> models.Items[models.Incident]:
    """Active incidents, newest first, then those cleared within the last hour."""
    rows = await database.rows(queries.incident_list(limit, CLEARED_SHOWN))
    return models.Items(items=[models.Incident(**row) for row in rows])
