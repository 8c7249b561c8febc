"""`/api/v1/sensors`."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.deps import DatabaseDep
from api.http.answering import Listing, answer_list, answer_one
from api.http.asking import AskedDep, AskedOneDep
from api.http.describing import lists, tells
from api.resources.filters import NO_NUL, Area, Corridor, SensorPath, WhereDep, alike, containing, in_area
from api.resources.sensors.shapes import HEALTH, SENSOR, nearest
from schema.relations import sensor_health
from schema.tables import sensors

router = APIRouter(prefix="/sensors", tags=["sensors"])

Text = Annotated[
    str | None,
    Query(alias="q", max_length=200, pattern=NO_NUL, description="words in its name, road or id", examples=["fdr"]),
]
Latitude = Annotated[float, Query(ge=-90, le=90, description="degrees, WGS 84", examples=[40.7484])]
Longitude = Annotated[float, Query(ge=-180, le=180, description="degrees, WGS 84", examples=[-73.9857])]


@router.get("", **lists(SENSOR))
async def list_sensors(asked: AskedDep, database: DatabaseDep, where: WhereDep, text: Text = None) -> Response:
    """Sensors by external id: all, or those of an area, a road, a box, or with some words in their name."""
    statement = SENSOR.select().where(*where.conditions(), *containing(text or ""))
    return await answer_list(asked, database, Listing(SENSOR, statement, (sensors.c.external_id,)))


@router.get("/nearest", **lists(nearest(0, 0)))
async def nearest_sensors(
    asked: AskedDep, database: DatabaseDep, where: WhereDep, lat: Latitude, lon: Longitude
) -> Response:
    """Sensors by their distance from a place, the nearest first."""
    shape = nearest(lat, lon)
    statement = shape.select().where(sensors.c.lat.is_not(None), sensors.c.lon.is_not(None), *where.conditions())
    key = (shape.fields[0].column, sensors.c.external_id)
    return await answer_list(asked, database, Listing(shape, statement, key))


@router.get("/health", **lists(HEALTH))
async def list_health(
    asked: AskedDep,
    database: DatabaseDep,
    area: Area = None,
    corridor: Corridor = None,
    healthy: Annotated[bool | None, Query(description="those that can be trusted, or those that cannot")] = None,
) -> Response:
    """Which sensors can be trusted: what each sent in the last 24 hours of the data against what it usually sends."""
    view = sensor_health.c
    statement = HEALTH.select()
    if area is not None:
        statement = statement.where(in_area(view.area, area))
    if corridor is not None:
        statement = statement.where(alike(view.corridor, corridor))
    if healthy is not None:
        statement = statement.where(view.healthy.is_(True) if healthy else view.healthy.is_not(True))
    return await answer_list(asked, database, Listing(HEALTH, statement, (view.sensor,)))


@router.get("/{sensor:path}", **tells(SENSOR, missing="There is no such sensor"))
async def one_sensor(asked: AskedOneDep, database: DatabaseDep, sensor: SensorPath) -> Response:
    """One sensor."""
    statement = SENSOR.select().where(sensors.c.external_id == sensor)
    missing = f"There is no sensor {sensor}: see /api/v1/sensors for those there are."
    return await answer_one(asked, database, Listing(SENSOR, statement, ()), missing)
