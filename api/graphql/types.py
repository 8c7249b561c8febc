"""What can be asked for. Fields are those of REST's shapes, in camel case, with the same explanations."""

from datetime import date, datetime
from typing import Annotated, Any, Final

import strawberry
from strawberry.scalars import JSON
from strawberry.schema.config import StrawberryConfig

from api.graphql.bounds import bounded
from api.graphql.loaders import Loaders, Stretch
from api.http.shapes import Shape
from api.resources.alerts.shapes import ALERT
from api.resources.corridors.shapes import CORRIDOR, TRAVEL_TIME
from api.resources.history.levels import Level
from api.resources.history.shapes import of_readings
from api.resources.incidents.shapes import INCIDENT
from api.resources.insights.shapes import INSIGHT
from api.resources.measures.routes import BOTTLENECK
from api.resources.patterns.shapes import ANOMALY, CLUSTER, CLUSTER_SHAPE, PATTERN
from api.resources.predictions.shapes import PREDICTION
from api.resources.sensors.shapes import SENSOR
from api.resources.traffic.shapes import TRAFFIC
from api.resources.weather.routes import WEATHER

CONFIG: Final = StrawberryConfig(auto_camel_case=True)
SENSORS_DEFAULT, MOST_SENSORS = 100, 1_000
LAST_DEFAULT, MOST_LAST = 100, 2_000
MOST_LISTED: Final = 1_000
CLUSTERS_DEFAULT: Final = 20
HORIZONS: Final = 24
"""How many predictions a sensor may have at once, for the cost."""
PATTERN_ROWS: Final = 3 * 96
"""Kinds of day, and quarters of an hour in each."""

Info = strawberry.Info[Any, None]
_KNOWN: Final = (str, int, float, bool, datetime, date)


def type_of(shape: Shape, name: str = "") -> Any:
    """A type with the fields of a shape."""
    kinds = {field.name: _kind(field.python_type, optional=field.optional) for field in shape.fields}
    explained = {field.name: strawberry.field(description=field.description, default=None) for field in shape.fields}
    made = type(name or shape.name, (), {"__annotations__": kinds, **explained})
    return strawberry.type(made, description=shape.description)


def _kind(python_type: Any, *, optional: bool) -> Any:
    if python_type == list[str] or python_type in _KNOWN:
        return python_type | None if optional else python_type
    return JSON | None


Traffic: Any = type_of(TRAFFIC)
History: Any = type_of(of_readings())
Pattern: Any = type_of(PATTERN)
Prediction: Any = type_of(PREDICTION)
Incident: Any = type_of(INCIDENT)
Bottleneck: Any = type_of(BOTTLENECK)
Weather: Any = type_of(WEATHER)
SensorCluster: Any = type_of(CLUSTER)
ClusterShape: Any = type_of(CLUSTER_SHAPE)
Anomaly: Any = type_of(ANOMALY)
Insight: Any = type_of(INSIGHT)
Alert: Any = type_of(ALERT)
TravelTime: Any = type_of(TRAVEL_TIME)
_Sensor: Any = type_of(SENSOR, "SensorFields")
_Corridor: Any = type_of(CORRIDOR, "CorridorFields")

LevelName: Any = strawberry.enum(Level, name="Level", description="raw readings, or means over a bucket")
From = Annotated[str, strawberry.argument(name="from", description="RFC 3339, or relative: -24h, latest-24h")]
To = Annotated[str, strawberry.argument(description="as from; not included")]


def loaders(info: Info) -> Loaders:
    found: Loaders = info.context
    return found


@strawberry.type(name="Sensor", description=SENSOR.description)
class Sensor(_Sensor):  # type: ignore[misc]
    """A sensor, and what belongs to it."""

    @strawberry.field(description="its newest good reading")
    async def current(self, info: Info) -> Traffic | None:
        return await loaders(info).current.load(self.sensor)

    @strawberry.field(description="how it was: the last buckets of a span, oldest first")
    async def readings(
        self,
        info: Info,
        from_: From = "-24h",
        to: To = "now",
        level: LevelName = Level.FIVE_MINUTES,
        last: int = LAST_DEFAULT,
    ) -> list[History]:
        stretch = Stretch(from_, to, level, bounded("last", last, MOST_LAST))
        found: list[Any] = await loaders(info).readings.load((self.sensor, stretch))
        return found

    @strawberry.field(description="those that last and affect it, newest first")
    async def incidents(self, info: Info) -> list[Incident]:
        found: list[Any] = await loaders(info).incidents.load(self.sensor)
        return found

    @strawberry.field(description="its newest forecast, by horizon")
    async def predictions(self, info: Info) -> list[Prediction]:
        found: list[Any] = await loaders(info).predictions.load(self.sensor)
        return found

    @strawberry.field(description="what is normal there, as over REST")
    async def pattern(self, info: Info) -> list[Pattern]:
        found: list[Any] = await loaders(info).patterns.load(self.sensor)
        return found

    @strawberry.field(description="the group of those whose weeks are as its own; null where none was found")
    async def cluster(self, info: Info) -> SensorCluster | None:
        return await loaders(info).clusters.load(self.sensor)


@strawberry.type(name="Corridor", description=CORRIDOR.description)
class Corridor(_Corridor):  # type: ignore[misc]
    """A corridor, and how long it took to pass it."""

    @strawberry.field(description="travel times in the last buckets of 5 minutes of a span, oldest first")
    async def travel_times(
        self, info: Info, from_: From = "-3h", to: To = "now", last: int = LAST_DEFAULT
    ) -> list[TravelTime]:
        stretch = Stretch(from_, to, Level.FIVE_MINUTES, bounded("last", last, MOST_LAST))
        found: list[Any] = await loaders(info).travel_times.load((self.corridor, stretch))
        return found


@strawberry.type(description="where a page ends")
class PageInfo:
    """After Relay's connections."""

    end_cursor: str | None
    has_next_page: bool


@strawberry.type(description="a page of sensors")
class Sensors:
    """`nodes` and where they end."""

    nodes: list[Sensor]
    page_info: PageInfo
