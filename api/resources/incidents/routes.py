"""`/api/v1/incidents`."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.deps import DatabaseDep
from api.http.paging import Items
from api.live.bridge import CLEARED_SHOWN
from api.resources.incidents import queries
from api.resources.incidents.models import Incident

router = APIRouter(prefix="/incidents", tags=["incidents"])


@router.get("")
async def list_incidents(database: DatabaseDep, limit: Annotated[int, Query(ge=1, le=1000)] = 200) -> Items[Incident]:
    """Active incidents, newest first, then those cleared within the last hour."""
    rows = await database.rows(queries.incident_list(limit, CLEARED_SHOWN))
    return Items(items=[Incident(**row) for row in rows])
