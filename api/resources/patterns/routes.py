"""Patterns of a sensor and of an area, clusters, anomalies."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from sqlalchemy import Select, func, select

from api.database import Database
from api.deps import DatabaseDep, SettingsDep
from api.http.answering import LIVE, SETTLED, Listing, answer_list
from api.http.asking import Asked, AskedDep
from api.http.describing import lists
from api.http.times import LATEST, WeekDep
from api.resources.filters import NO_NUL, SensorPath, WhereDep, sensor_id_of
from api.resources.history.routes import AreaPath, area_named
from api.resources.patterns.normal import ABOUT, Calendar, Normal, normal_of
from api.resources.patterns.shapes import ANOMALY, CLUSTER, CLUSTER_SHAPE, CLUSTERED, PATTERN, SHAPED
from schema.tables import anomalies, cluster_shapes, latest_readings, sensor_clusters, sensors

router = APIRouter(tags=["patterns"])

Number = Annotated[int | None, Query(ge=0, le=1_000, description="number of one cluster")]
Lasting = Annotated[bool | None, Query(description="true: those that last; false: those that have ended")]


@router.get("/sensors/{sensor:path}/pattern", **lists(PATTERN, missing="There is no such sensor", **ABOUT))
async def sensor_pattern(
    asked: AskedDep, database: DatabaseDep, settings: SettingsDep, sensor: SensorPath
) -> Response:
    """What is normal at a sensor: speeds by kind of day and quarter of an hour.

    As `urbanclear spark patterns` wrote it down, unless that is four weeks old; else of the four weeks to its newest.
    """
    sensor_id = await sensor_id_of(database, sensor)
    newest = select(func.max(latest_readings.c.time)).where(latest_readings.c.sensor_id == sensor_id)
    calendar = Calendar(settings.time_zone, settings.holidays)
    normal = await normal_of(database, calendar, "sensor", sensor, sensor_id, await database.value(newest))
    return await _answer(asked, database, normal)


@router.get("/areas/{area:path}/pattern", **lists(PATTERN, missing="There is no such area", **ABOUT))
async def area_pattern(asked: AskedDep, database: DatabaseDep, settings: SettingsDep, area: AreaPath) -> Response:
    """What is normal in a part of the city: as for a sensor, of the means over its sensors."""
    name = await area_named(database, area)
    calendar = Calendar(settings.time_zone, settings.holidays)
    normal = await normal_of(database, calendar, "area", name, name, await database.value(LATEST))
    return await _answer(asked, database, normal)


async def _answer(asked: Asked, database: Database, normal: Normal) -> Response:
    shape = PATTERN.over(normal.rows)
    key = (normal.rows.c.day_type, normal.rows.c.minute)
    return await answer_list(asked, database, Listing(shape, shape.select(), key, cache=SETTLED, extra=normal.about))


@router.get("/clusters", **lists(CLUSTER))
async def clusters(asked: AskedDep, database: DatabaseDep, where: WhereDep, cluster: Number = None) -> Response:
    """Sensors grouped by the shape of their week, as `urbanclear spark clusters` computed it last."""
    statement = CLUSTER.select().select_from(CLUSTERED).where(*where.conditions())
    if cluster is not None:
        statement = statement.where(sensor_clusters.c.cluster == cluster)
    key = (sensor_clusters.c.cluster, sensors.c.external_id)
    return await answer_list(asked, database, Listing(CLUSTER, statement, key, cache=SETTLED))


@router.get("/clusters/shapes", **lists(CLUSTER_SHAPE))
async def list_cluster_shapes(asked: AskedDep, database: DatabaseDep, cluster: Number = None) -> Response:
    """The clusters: what each is called, its mean week and most typical sensor, how sure the grouping is."""
    statement = CLUSTER_SHAPE.select().select_from(SHAPED)
    if cluster is not None:
        statement = statement.where(cluster_shapes.c.cluster == cluster)
    key = (cluster_shapes.c.cluster,)
    return await answer_list(asked, database, Listing(CLUSTER_SHAPE, statement, key, cache=SETTLED))


@router.get("/anomalies", **lists(ANOMALY))
async def list_anomalies(
    asked: AskedDep,
    database: DatabaseDep,
    where: WhereDep,
    span: WeekDep,
    kind: Annotated[str | None, Query(max_length=100, pattern=NO_NUL, description="one kind alone")] = None,
    least_score: Annotated[float | None, Query(ge=0, le=1e6, description="leaves out what is less unusual")] = None,
    lasting: Lasting = None,
) -> Response:
    """When sensors were not as they normally are: what began in the span, newest first."""
    statement = ANOMALY.select().where(anomalies.c.sensor_id == sensors.c.id, *where.conditions())
    statement = statement.where(anomalies.c.time >= span.start, anomalies.c.time < span.end)
    statement = filtered(statement, kind, least_score, lasting)
    key = (anomalies.c.time, sensors.c.external_id, anomalies.c.kind)
    return await answer_list(asked, database, Listing(ANOMALY, statement, key, descending=True, cache=LIVE))


def filtered(
    statement: Select[Any], kind: str | None, least_score: float | None, lasting: bool | None
) -> Select[Any]:
    """Of anomalies, those of a kind, as unusual as that, that last or have ended; None leaves nothing out."""
    if kind is not None:
        statement = statement.where(anomalies.c.kind == kind)
    if least_score is not None:
        statement = statement.where(anomalies.c.score >= least_score)
    if lasting is not None:
        statement = statement.where(anomalies.c.ended_at.is_(None) == lasting)
    return statement
