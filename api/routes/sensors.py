"""`/api/v1/sensors`."""

from fastapi import APIRouter

from api import models, queries
from api.deps import DatabaseDep

router = APIRouter(prefix="/sensors", tags=["sensors"])


@router.get("")
async def list_sensors(database: DatabaseDep) -> models.Items[models.Sensor]:
    """Every sensor, by external id."""
    rows = await database.rows(queries.SENSORS)
    return models.Items(items=[models.Sensor(**row) for row in rows])
