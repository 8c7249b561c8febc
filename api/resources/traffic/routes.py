"""`/api/v1/traffic`."""

from fastapi import APIRouter

from api.deps import DatabaseDep
from api.http.paging import Items
from api.resources.traffic import queries
from api.resources.traffic.models import Traffic

router = APIRouter(prefix="/traffic", tags=["traffic"])


@router.get("/current")
async def current(database: DatabaseDep) -> Items[Traffic]:
    """The newest reading of every sensor that has one."""
    rows = await database.rows(queries.CURRENT)
    return Items(items=[Traffic.of(**row) for row in rows])
