"""The roots, and the limits that hold for every query; their text, for makers of clients, is in `schema.graphql`."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import strawberry
from graphql import GraphQLError
from sqlalchemy import Select, literal
from strawberry.extensions import MaxTokensLimiter

from api.database import at_most
from api.graphql import types
from api.graphql.bounds import bad, bounded
from api.graphql.cost import Limits
from api.graphql.types import (
    CLUSTERS_DEFAULT,
    CONFIG,
    LAST_DEFAULT,
    MOST_LISTED,
    MOST_SENSORS,
    SENSORS_DEFAULT,
    Corridor,
    Info,
    PageInfo,
    Sensor,
    Sensors,
    loaders,
)
from api.http.asking import decode_cursor, encode_cursor
from api.resources.alerts.routes import OPEN
from api.resources.alerts.shapes import ALERT, LISTED, has_label
from api.resources.corridors.shapes import CORRIDOR
from api.resources.filters import Where, containing, in_area, parse_bbox
from api.resources.incidents.shapes import INCIDENT
from api.resources.insights.routes import bounds_of
from api.resources.insights.shapes import INSIGHT, insights_of
from api.resources.measures.routes import BOTTLENECK
from api.resources.patterns.routes import filtered
from api.resources.patterns.shapes import ANOMALY, CLUSTER_SHAPE, SHAPED
from api.resources.predictions.shapes import HORIZON, PREDICTION, newest_predictions
from api.resources.sensors.shapes import SENSOR
from api.resources.traffic.shapes import TRAFFIC
from api.resources.weather.routes import WEATHER
from schema.relations import bottlenecks, current_conditions
from schema.tables import alerts, anomalies, cluster_shapes, incidents, insights, links, sensors, weather

MOST_TOKENS: Final = 2_000
FILE: Final = Path(__file__).with_name("schema.graphql")

Limit = Annotated[int, strawberry.argument(description="most rows")]
Area = Annotated[str | None, strawberry.argument(description="part of the city, in any case")]
MAKERS: Final[dict[str, Callable[..., Any]]] = {
    name: getattr(types, name)
    for name in (
        *("Traffic", "History", "Prediction", "Incident", "Bottleneck", "Weather", "TravelTime", "Pattern"),
        *("SensorCluster", "ClusterShape", "Anomaly", "Insight", "Alert"),
    )
} | {"Sensor": Sensor, "Corridor": Corridor}


@strawberry.type(description="What can be asked")
class Query:
    """The roots."""

    @strawberry.field(description="sensors by id, in pages")
    async def sensors(
        self,
        info: Info,
        first: int = SENSORS_DEFAULT,
        after: str | None = None,
        area: Area = None,
        road: str | None = None,
        bbox: Annotated[list[float] | None, strawberry.argument(description="west, south, east, north")] = None,
        ids: list[str] | None = None,
        text: Annotated[str, strawberry.argument(description="words in its name, road or id")] = "",
    ) -> Sensors:
        box = None if bbox is None else parse_bbox(",".join(map(str, bbox)))
        if ids == []:
            raise bad("ids names no sensor: leave it out for all of them")
        where = Where(area, road, tuple(ids or ()), box)
        statement = SENSOR.select().where(*where.conditions(), *containing(text))
        if after is not None:
            [place] = decode_cursor(after, SENSOR.name, [sensors.c.external_id], said="endCursor")
            statement = statement.where(sensors.c.external_id > place)
        most = bounded("first", first, MOST_SENSORS)
        found = await loaders(info).objects(
            "Sensor", SENSOR, statement.order_by(sensors.c.external_id).limit(at_most(most + 1))
        )
        shown = found[:most]
        end = encode_cursor(SENSOR.name, [shown[-1].sensor]) if shown else None
        return Sensors(nodes=shown, page_info=PageInfo(end_cursor=end, has_next_page=len(found) > most))

    @strawberry.field(description="one sensor; null where there is none")
    async def sensor(self, info: Info, id: str) -> Sensor | None:  # noqa: A002
        found = await _objects(info, "Sensor", SENSOR, SENSOR.select().where(sensors.c.external_id == id))
        return found[0] if found else None

    @strawberry.field(description="the newest good reading of each sensor")
    async def traffic(self, info: Info, area: Area = None, limit: Limit = MOST_LISTED) -> list[types.Traffic]:
        statement = TRAFFIC.select().order_by(current_conditions.c.sensor)
        if area is not None:
            statement = statement.where(in_area(current_conditions.c.area, area))
        return await _objects(info, "Traffic", TRAFFIC, statement, limit)

    @strawberry.field(description="incidents, newest first; those that last unless active is false")
    async def incidents(
        self, info: Info, active: bool = True, area: Area = None, limit: Limit = LAST_DEFAULT
    ) -> list[types.Incident]:
        statement = INCIDENT.select().where((incidents.c.status != "cleared") == active)
        if area is not None:
            statement = statement.where(in_area(incidents.c.area, area))
        ordered = statement.order_by(incidents.c.started_at.desc(), incidents.c.id)
        return await _objects(info, "Incident", INCIDENT, ordered, limit)

    @strawberry.field(description="one incident; null where there is none")
    async def incident(self, info: Info, id: str) -> types.Incident | None:  # noqa: A002
        found = await _objects(info, "Incident", INCIDENT, INCIDENT.select().where(incidents.c.id == id))
        return found[0] if found else None

    @strawberry.field(description="each sensor's newest forecast at a horizon, minutes ahead")
    async def predictions(
        self, info: Info, horizon: int, area: Area = None, limit: Limit = MOST_LISTED
    ) -> list[types.Prediction]:
        minutes = literal(bounded("horizon", horizon, 1_440))
        statement = newest_predictions(PREDICTION.select()).where(minutes == HORIZON)
        statement = statement.where(*Where(area, None, (), None).conditions()).order_by(sensors.c.external_id)
        return await _objects(info, "Prediction", PREDICTION, statement, limit)

    @strawberry.field(description="where queues began in the last days, the city's own, newest day and worst first")
    async def bottlenecks(
        self, info: Info, days: int = 7, area: Area = None, limit: Limit = LAST_DEFAULT
    ) -> list[types.Bottleneck]:
        zone = ZoneInfo(loaders(info).calendar.time_zone)
        since = (datetime.now(UTC) - timedelta(days=bounded("days", days, 366))).astimezone(zone).date()
        statement = BOTTLENECK.select().where(bottlenecks.c.day >= since)
        if area is not None:
            statement = statement.where(in_area(bottlenecks.c.area, area))
        ordered = statement.order_by(bottlenecks.c.day.desc(), bottlenecks.c.rank)
        return await _objects(info, "Bottleneck", BOTTLENECK, ordered, limit)

    @strawberry.field(description="roads by direction")
    async def corridors(
        self, info: Info, names: list[str] | None = None, limit: Limit = LAST_DEFAULT
    ) -> list[Corridor]:
        statement = CORRIDOR.select().where(links.c.corridor.is_not(None)).group_by(links.c.corridor)
        if names is not None:
            statement = statement.where(links.c.corridor.in_(names))
        return await _objects(info, "Corridor", CORRIDOR, statement.order_by(links.c.corridor), limit)

    @strawberry.field(description="when sensors were not as they normally are: what began in the span, newest first")
    async def anomalies(
        self,
        info: Info,
        from_: types.From = "-7d",
        to: types.To = "now",
        area: Area = None,
        ids: Annotated[list[str] | None, strawberry.argument(description="of these sensors")] = None,
        kind: Annotated[str | None, strawberry.argument(description="one kind alone")] = None,
        least_score: Annotated[float | None, strawberry.argument(description="leaves out the less unusual")] = None,
        lasting: Annotated[bool | None, strawberry.argument(description="true: those that last")] = None,
        limit: Limit = LAST_DEFAULT,
    ) -> list[types.Anomaly]:
        start, end = await loaders(info).span(from_, to)
        within = (anomalies.c.sensor_id == sensors.c.id, anomalies.c.time >= start, anomalies.c.time < end)
        statement = ANOMALY.select().where(*within, *Where(area, None, tuple(ids or ()), None).conditions())
        newest_first = (anomalies.c.time.desc(), sensors.c.external_id, anomalies.c.kind)
        ordered = filtered(statement, kind, least_score, lasting).order_by(*newest_first)
        return await _objects(info, "Anomaly", ANOMALY, ordered, limit)

    @strawberry.field(description="the shapes that the weeks of sensors are grouped by")
    async def clusters(self, info: Info, limit: Limit = CLUSTERS_DEFAULT) -> list[types.ClusterShape]:
        statement = CLUSTER_SHAPE.select().select_from(SHAPED).order_by(cluster_shapes.c.cluster)
        return await _objects(info, "ClusterShape", CLUSTER_SHAPE, statement, limit)

    @strawberry.field(description="what the newest days that a run is about were notable for, or a week")
    async def insights(
        self,
        info: Info,
        kind: Annotated[str | None, strawberry.argument(description="one kind alone")] = None,
        week: Annotated[str | None, strawberry.argument(description="of ISO 8601, such as 2026-W10")] = None,
        limit: Limit = LAST_DEFAULT,
    ) -> list[types.Insight]:
        zone = loaders(info).calendar.time_zone
        statement = insights_of(days=None if week is None else bounds_of(week, zone))
        if kind is not None:
            statement = statement.where(insights.c.kind == kind)
        ordered = statement.order_by(insights.c.kind, insights.c.rank)
        return await _objects(info, "Insight", INSIGHT, ordered, limit)

    @strawberry.field(description="alerts, those that began last first; pending and firing ones where not said")
    async def alerts(
        self,
        info: Info,
        state: Annotated[list[str] | None, strawberry.argument(description="pending, firing, resolved")] = None,
        priority: Annotated[list[str] | None, strawberry.argument(description="low to critical")] = None,
        area: Area = None,
        limit: Limit = LAST_DEFAULT,
    ) -> list[types.Alert]:
        statement = ALERT.select().where(LISTED, alerts.c.state.in_(OPEN if state is None else state))
        if priority is not None:
            statement = statement.where(alerts.c.priority.in_(priority))
        if area is not None:
            statement = statement.where(has_label("area", lambda value: in_area(value, area)))
        return await _objects(
            info, "Alert", ALERT, statement.order_by(alerts.c.started_at.desc(), alerts.c.id), limit
        )

    @strawberry.field(description="what stations observed, newest first")
    async def weather(
        self, info: Info, from_: types.From = "-24h", to: types.To = "now", limit: Limit = LAST_DEFAULT
    ) -> list[types.Weather]:
        start, end = await loaders(info).span(from_, to)
        statement = WEATHER.select().where(weather.c.time >= start, weather.c.time < end)
        return await _objects(info, "Weather", WEATHER, statement.order_by(weather.c.time.desc()), limit)


async def _objects(info: Info, kind: str, shape: Any, statement: Select[Any], limit: int = 1) -> list[Any]:
    return await loaders(info).objects(kind, shape, statement.limit(at_most(bounded("limit", limit, MOST_LISTED))))


class Schema(strawberry.Schema):
    """Strawberry's, which would log what is wrong with a query as an error of ours."""

    def process_errors(self, errors: list[GraphQLError], execution_context: object = None) -> None:
        """What is ours to mend is logged where it is answered."""


def new_schema(budget: int) -> strawberry.Schema:
    """The schema, whose queries may return up to `budget` rows."""
    return Schema(
        Query,
        config=CONFIG,
        extensions=[
            lambda: MaxTokensLimiter(max_token_count=MOST_TOKENS),
            lambda: Limits(budget),
        ],
    )


def text_of_schema() -> str:
    """The schema in the language of schemas."""
    return new_schema(1).as_str() + "\n"


if __name__ == "__main__":
    FILE.write_text(text_of_schema())
