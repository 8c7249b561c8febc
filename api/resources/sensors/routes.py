"""`/api/v1/sensors`."""

from fastapi import APIRouter

from api.deps import DatabaseDep
from api.http.paging import Items
from api.resources.sensors import queries
from api.resources.sensors.models import Sensor

router = APIRouter(prefix="/sensors", tags=["sensors"])


@router.get("")
async def list_sensors(database: DatabaseDep) -> Items[Sensor]:
    """Every sensor, by external id."""
    rows = await database.rows(queries.SENSORS)
    return Items(items=[Sensor(**row) for row in rows])
