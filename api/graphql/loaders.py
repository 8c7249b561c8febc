"""What belongs to many sensors is asked of the database at once: one statement a kind, however many there are."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, Subquery, func, literal, select, true
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from strawberry.dataloader import DataLoader

from api.database import Database
from api.graphql.bounds import bad
from api.http.shapes import Shape
from api.http.times import LATEST, parse_time
from api.resources.corridors.shapes import TRAVEL_TIME
from api.resources.history.levels import Level
from api.resources.history.shapes import SENSOR_LEVELS, of_readings, of_rollup
from api.resources.incidents.shapes import INCIDENT
from api.resources.patterns.normal import Calendar, computed, still_holds, with_runs, written
from api.resources.patterns.shapes import CLUSTER, CLUSTERED, PATTERN
from api.resources.predictions.shapes import PREDICTION, newest_predictions
from api.resources.traffic.shapes import TRAFFIC
from schema.relations import corridor_travel_times, current_conditions
from schema.tables import incidents, latest_readings, predictions, readings, sensors, spark_runs

Make = Callable[..., Any]


class Stretch(NamedTuple):
    """The last rows of a span at a level."""

    start: str
    end: str
    level: Level
    last: int


class Loaders:
    """Of one request."""

    def __init__(self, database: Database, makers: dict[str, Make], calendar: Calendar) -> None:
        self.database = database
        self.makers = makers
        self.calendar = calendar
        self._latest: datetime | None = None
        self.current: DataLoader[str, Any] = DataLoader(self._current)
        self.clusters: DataLoader[str, Any] = DataLoader(self._clusters)
        self.incidents: DataLoader[str, list[Any]] = DataLoader(self._incidents)
        self.patterns: DataLoader[str, list[Any]] = DataLoader(self._patterns)
        self.predictions: DataLoader[str, list[Any]] = DataLoader(self._predictions)
        self.readings: DataLoader[tuple[str, Stretch], list[Any]] = DataLoader(self._readings)
        self.travel_times: DataLoader[tuple[str, Stretch], list[Any]] = DataLoader(self._travel_times)

    async def objects(self, kind: str, shape: Shape, statement: Select[Any]) -> list[Any]:
        """The rows of a statement of the shape's fields, as objects."""
        rows = await self.database.tuples(statement)
        return [self.object(kind, shape, row) for row in rows]

    def object(self, kind: str, shape: Shape, row: Row[Any] | Sequence[Any]) -> Any:
        names = [field.name for field in shape.fields]
        return self.makers[kind](**dict(zip(names, row, strict=False)))

    async def span(self, start: str, end: str) -> tuple[datetime, datetime]:
        """The times that two texts say; raises `GraphQLError` with what to say instead."""
        if self._latest is None and ("latest" in start or "latest" in end):
            self._latest = await self.database.value(LATEST)
        now = datetime.now(UTC)
        try:
            times = (
                parse_time(start, now=now, latest=self._latest),
                parse_time(end, now=now, latest=self._latest),
            )
        except (ValueError, OverflowError) as error:
            raise bad(str(error)) from None
        if times[0] >= times[1]:
            raise bad("from is not before to")
        return times

    async def _current(self, names: list[str]) -> list[Any]:
        statement = TRAFFIC.select().where(current_conditions.c.sensor.in_(names))
        found = {one.sensor: one for one in await self.objects("Traffic", TRAFFIC, statement)}
        return [found.get(name) for name in names]

    async def _clusters(self, names: list[str]) -> list[Any]:
        statement = CLUSTER.select().select_from(CLUSTERED).where(sensors.c.external_id.in_(names))
        found = {one.sensor: one for one in await self.objects("SensorCluster", CLUSTER, statement)}
        return [found.get(name) for name in names]

    async def _incidents(self, names: list[str]) -> list[list[Any]]:
        affected = incidents.c.sensors.op("&&", is_comparison=True)(literal(names, ARRAY(TEXT)))
        statement = INCIDENT.select().where(affected, incidents.c.status != "cleared")
        newest_first = statement.order_by(incidents.c.started_at.desc(), incidents.c.id)
        found = await self.objects("Incident", INCIDENT, newest_first)
        return [[one for one in found if name in one.sensors] for name in names]

    async def _predictions(self, names: list[str]) -> list[list[Any]]:
        statement = newest_predictions(PREDICTION.select()).where(sensors.c.external_id.in_(names))
        shares: defaultdict[str, list[Any]] = defaultdict(list)
        for one in await self.objects("Prediction", PREDICTION, statement.order_by(predictions.c.time)):
            shares[one.sensor].append(one)
        return [shares[name] for name in names]

    async def _patterns(self, names: list[str]) -> list[list[Any]]:
        newest = select(sensors.c.external_id, sensors.c.id, latest_readings.c.time, spark_runs.c.span_end)
        source = sensors.join(latest_readings, latest_readings.c.sensor_id == sensors.c.id)
        newest = newest.select_from(with_runs(source)).where(sensors.c.external_id.in_(names))
        rows: Sequence[Sequence[Any]] = await self.database.tuples(newest)
        known = [row[0] for row in rows if still_holds(row[3], row[2])]
        asked = {row[1]: row for row in rows if row[0] not in known}
        shares: defaultdict[str, list[Any]] = defaultdict(list)
        if known:
            for row in await self._pattern_rows(written("sensor", known)):
                shares[row[-1]].append(self.object("Pattern", PATTERN, row))
        if asked:
            ends = {key: row[2] for key, row in asked.items()}
            for row in await self._pattern_rows(computed("sensor", ends, self.calendar)):
                shares[asked[row[-1]][0]].append(self.object("Pattern", PATTERN, row))
        return [shares[name] for name in names]

    async def _pattern_rows(self, found: Subquery) -> Sequence[Row[Any]]:
        columns = [found.c[field.name] for field in PATTERN.fields]
        ordered = select(*columns, found.c.subject).order_by(found.c.day_type, found.c.minute)
        return await self.database.tuples(ordered)

    async def _readings(self, keys: list[tuple[str, Stretch]]) -> list[list[Any]]:
        found: dict[tuple[str, Stretch], list[Any]] = {}
        for stretch, names in _by_stretch(keys).items():
            shape, statement = _last_of_each(names, stretch, *await self.span(stretch.start, stretch.end))
            for row in await self.database.tuples(statement):
                found.setdefault((row[0], stretch), []).append(self.object("History", shape, row[1:]))
        return [found.get(key, []) for key in keys]

    async def _travel_times(self, keys: list[tuple[str, Stretch]]) -> list[list[Any]]:
        found: dict[tuple[str, Stretch], list[Any]] = {}
        view = corridor_travel_times.c
        for stretch, names in _by_stretch(keys).items():
            start, end = await self.span(stretch.start, stretch.end)
            statement = TRAVEL_TIME.select().add_columns(view.corridor)
            statement = statement.where(view.corridor.in_(names), view.time >= start, view.time < end)
            for row in await self.database.tuples(statement.order_by(view.time)):
                found.setdefault((row[-1], stretch), []).append(self.object("TravelTime", TRAVEL_TIME, row))
        return [found.get(key, [])[-key[1].last :] for key in keys]


def _by_stretch(keys: list[tuple[str, Stretch]]) -> dict[Stretch, list[str]]:
    shares: defaultdict[Stretch, list[str]] = defaultdict(list)
    for name, stretch in keys:
        shares[stretch].append(name)
    return shares


def _last_of_each(names: list[str], stretch: Stretch, start: datetime, end: datetime) -> tuple[Shape, Select[Any]]:
    """The sensor's external id, then the shape's fields; each sensor's last rows in the order of time."""
    table = readings if stretch.level is Level.RAW else SENSOR_LEVELS[stretch.level]
    shape = of_readings() if stretch.level is Level.RAW else of_rollup(table)
    within = (table.c.sensor_id == sensors.c.id, table.c.time >= start, table.c.time < end)
    newest = shape.select().where(*within).order_by(table.c.time.desc()).limit(stretch.last).lateral("newest")
    source = sensors.join(newest, true())
    statement = select(sensors.c.external_id, *newest.c).select_from(source)
    return shape, statement.where(sensors.c.external_id == func.any(literal(names, ARRAY(TEXT)))).order_by(
        newest.c.time
    )
