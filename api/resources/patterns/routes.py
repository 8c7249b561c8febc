"""Patterns of a sensor and of an area, clusters, anomalies."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field
from sqlalchemy import Subquery, func, select

from api.database import Database
from api.deps import DatabaseDep, SettingsDep
from api.http.answering import LIVE, SETTLED, Listing, answer_list
from api.http.asking import Asked, AskedDep
from api.http.describing import lists
from api.http.times import WeekDep
from api.resources.filters import NO_NUL, SensorPath, WhereDep, sensor_id_of
from api.resources.history.routes import AreaPath, area_named
from api.resources.patterns.shapes import ANOMALY, CLUSTER, PATTERN, pattern
from schema.tables import anomalies, latest_readings, sensor_clusters, sensors

router = APIRouter(tags=["patterns"])

_ZONE = (str, Field(description="whose days and minutes of the day they are", examples=["America/New_York"]))


@router.get("/sensors/{sensor:path}/pattern", **lists(PATTERN, missing="There is no such sensor", time_zone=_ZONE))
async def sensor_pattern(
    asked: AskedDep, database: DatabaseDep, settings: SettingsDep, sensor: SensorPath
) -> Response:
    """What is normal at a sensor: speeds by kind of day and quarter of an hour, of the four weeks to its newest."""
    sensor_id = await sensor_id_of(database, sensor)
    newest = select(func.max(latest_readings.c.time)).where(latest_readings.c.sensor_id == sensor_id)
    end = await database.value(newest)
    subjects = {} if end is None else {sensor_id: end}
    return await _answer(asked, database, pattern("readings_5m", subjects, settings.time_zone), settings.time_zone)


@router.get("/areas/{area:path}/pattern", **lists(PATTERN, missing="There is no such area", time_zone=_ZONE))
async def area_pattern(asked: AskedDep, database: DatabaseDep, settings: SettingsDep, area: AreaPath) -> Response:
    """What is normal in a part of the city: as for a sensor, of the means over its sensors."""
    name = await area_named(database, area)
    end = await database.value(select(func.max(latest_readings.c.time)))
    subjects = {} if end is None else {name: end}
    return await _answer(asked, database, pattern("area_5m", subjects, settings.time_zone), settings.time_zone)


async def _answer(asked: Asked, database: Database, rows: Subquery, zone: str) -> Response:
    shape = PATTERN.over(rows)
    key = (rows.c.day_type, rows.c.minute)
    extra = {"time_zone": zone}
    return await answer_list(asked, database, Listing(shape, shape.select(), key, cache=SETTLED, extra=extra))


@router.get("/clusters", **lists(CLUSTER))
async def clusters(
    asked: AskedDep,
    database: DatabaseDep,
    where: WhereDep,
    cluster: Annotated[int | None, Query(ge=0, le=1_000, description="number of one cluster")] = None,
) -> Response:
    """Sensors grouped by the shape of their week, as `urbanclear spark clusters` computed it last."""
    statement = CLUSTER.select().where(sensor_clusters.c.sensor_id == sensors.c.id, *where.conditions())
    if cluster is not None:
        statement = statement.where(sensor_clusters.c.cluster == cluster)
    key = (sensor_clusters.c.cluster, sensors.c.external_id)
    return await answer_list(asked, database, Listing(CLUSTER, statement, key, cache=SETTLED))


@router.get("/anomalies", **lists(ANOMALY))
async def list_anomalies(
    asked: AskedDep,
    database: DatabaseDep,
    where: WhereDep,
    span: WeekDep,
    kind: Annotated[str | None, Query(max_length=100, pattern=NO_NUL, description="one kind alone")] = None,
    least_score: Annotated[float | None, Query(ge=0, le=1e6, description="leaves out what is less unusual")] = None,
) -> Response:
    """When sensors were not as they normally are, newest first."""
    statement = ANOMALY.select().where(anomalies.c.sensor_id == sensors.c.id, *where.conditions())
    statement = statement.where(anomalies.c.time >= span.start, anomalies.c.time < span.end)
    if kind is not None:
        statement = statement.where(anomalies.c.kind == kind)
    if least_score is not None:
        statement = statement.where(anomalies.c.score >= least_score)
    key = (anomalies.c.time, sensors.c.external_id, anomalies.c.kind)
    return await answer_list(asked, database, Listing(ANOMALY, statement, key, descending=True, cache=LIVE))
