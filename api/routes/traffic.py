"""`/api/v1/traffic`."""

from fastapi import APIRouter

from api import models, queries
from api.deps import DatabaseDep

router = APIRouter(prefix="/traffic", tags=["traffic"])


@router.get("/current")
async def current(database: DatabaseDep) -> models.Items[models.Traffic]:
    """The newest reading of every sensor that has one."""
    rows = await database.rows(queries.CURRENT)
    return models.Items(items=[models.Traffic.of(**row) for row in rows])
