"""`/api/v1/traffic`: now."""

from typing import Any

from fastapi import APIRouter, Response
from sqlalchemy import Select

from api.database import Database, at_most
from api.deps import DatabaseDep
from api.http.answering import LIVE, Listing, answer_json, answer_list, answer_one, items_of
from api.http.asking import MOST, Asked, AskedDep, AskedOneDep, Form
from api.http.describing import lists, tells
from api.http.shapes import Shape, told
from api.resources.filters import SensorPath, WhereDep
from api.resources.traffic.shapes import AREA, CITY, TRAFFIC, area_name
from schema.relations import current_conditions as now
from schema.tables import sensors

router = APIRouter(prefix="/traffic", tags=["traffic"])

_PLACED = Shape(
    TRAFFIC.name,
    TRAFFIC.description,
    (*TRAFFIC.fields, told(sensors.c.geometry), told(sensors.c.lat), told(sensors.c.lon), told(now.c.name)),
)


@router.get("/current", **lists(TRAFFIC, Form.GEOJSON))
async def current(asked: AskedDep, database: DatabaseDep, where: WhereDep) -> Response:
    """The newest good reading of every sensor that has one, or of those of an area, a road, a box.

    `Accept: application/geo+json` answers a FeatureCollection (RFC 7946) for maps.
    """
    conditions = where.conditions()
    if asked.form(Form.GEOJSON) is Form.GEOJSON:
        return await _features(asked, database, _chosen(_PLACED).where(*conditions))
    statement = _chosen(TRAFFIC).where(*conditions) if conditions else TRAFFIC.select()
    return await answer_list(asked, database, Listing(TRAFFIC, statement, (now.c.sensor,)))


@router.get("/areas", **lists(AREA))
async def by_area(asked: AskedDep, database: DatabaseDep) -> Response:
    """Each part of the city: mean speed, and how many sensors are at which level of service."""
    statement = AREA.select().group_by(area_name)
    rows = statement.subquery()
    shape = AREA.over(rows)
    return await answer_list(asked, database, Listing(shape, shape.select(), (rows.c.area,)))


@router.get("/city", **tells(CITY))
async def city(asked: AskedOneDep, database: DatabaseDep) -> Response:
    """The whole city in one row."""
    return await answer_one(asked, database, Listing(CITY, CITY.select(), ()), "")


@router.get("/current/{sensor:path}", **tells(TRAFFIC, missing="There is no such sensor, or it has no reading yet"))
async def current_of_one(asked: AskedOneDep, database: DatabaseDep, sensor: SensorPath) -> Response:
    """The newest good reading of one sensor."""
    statement = TRAFFIC.select().where(now.c.sensor == sensor)
    missing = f"There is no reading of a sensor {sensor}: see /api/v1/sensors for those there are."
    return await answer_one(asked, database, Listing(TRAFFIC, statement, ()), missing)


def _chosen(shape: Shape) -> Select[Any]:
    return shape.select().join_from(now, sensors, sensors.c.id == now.c.sensor_id)


async def _features(asked: Asked, database: Database, statement: Select[Any]) -> Response:
    limit = asked.page.limit or MOST
    rows = await database.tuples(statement.order_by(now.c.sensor).limit(at_most(limit)))
    features = [_feature(item) for item in items_of(rows, _PLACED.fields, asked.zone)]
    return answer_json(asked, {"type": "FeatureCollection", "features": features}, cache=LIVE, form=Form.GEOJSON)


def _feature(item: dict[str, Any]) -> dict[str, Any]:
    geometry, lat, lon = item.pop("geometry"), item.pop("lat"), item.pop("lon")
    if geometry is None and lat is not None and lon is not None:
        geometry = {"type": "Point", "coordinates": [lon, lat]}
    return {"type": "Feature", "id": item["sensor"], "geometry": geometry, "properties": item}
