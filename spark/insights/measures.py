"""The measures of two spans over JDBC: PostgreSQL adds up each day, Spark the days; a row a corridor comes back.

Figures of a span are sums or means over its days, and None where nothing is known of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from typing import Any, Final, Generic, TypeVar

from psycopg import sql
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as f

from schema.days import Days
from spark.insights.parameters import Parameters
from spark.jdbc import Source

T = TypeVar("T")
NOW: Final = "now"
BEFORE: Final = "before"
KEYS: Final = ("span", "subject", "incident_id", "sensor")


@dataclass(frozen=True)
class Compared(Generic[T]):
    """The same of a span and of the one before, by subject."""

    now: Mapping[str, T]
    before: Mapping[str, T]


@dataclass(frozen=True)
class Delay:
    """Time lost on a corridor; `seconds` by one vehicle over all of its links, mean of the days."""

    vehicle_hours: float | None
    vehicle_km: float | None
    seconds: float | None
    buckets: int
    good_share: float | None


@dataclass(frozen=True)
class DayDelay:
    """Time lost in the city on a day; `seconds` by one vehicle on a link, mean of the links."""

    day: date
    vehicle_hours: float | None
    seconds: float | None
    buckets: int
    good_share: float | None


@dataclass(frozen=True)
class Reliability:
    """Travel times of a corridor against those at free flow; `worst_period` is its least reliable of the day."""

    travel_time_index: float
    planning_time_index: float
    buckets: int
    good_share: float | None
    length_m: float
    worst_period: str | None

    @property
    def buffer_index(self) -> float:
        """Time to add to the mean, as a share of it, to arrive on time (FHWA 2006)."""
        return self.planning_time_index / self.travel_time_index - 1


@dataclass(frozen=True)
class Incident:
    """What one incident cost; `vehicle_hours` is None where vehicles are not counted, `started_at` is ISO 8601."""

    incident_id: str
    day: date
    kind: str
    severity: str
    area: str | None
    road: str | None
    started_at: str
    duration_minutes: float | None
    vehicle_hours: float | None
    good_share: float | None


@dataclass(frozen=True)
class Bottleneck:
    """The activations of a bottleneck, by the sensor at the head of its queue."""

    sensor: str
    name: str
    corridor: str | None
    vehicle_hours: float | None
    active_minutes: int
    days: int
    max_extent_m: float | None
    good_share: float | None


@dataclass
class Reader:
    """Reads some days and those before them; `rows` counts what came back."""

    session: SparkSession
    source: Source
    now: Days
    before: Days
    parameters: Parameters
    rows: int = 0

    def delay(self) -> tuple[Compared[Delay], list[DayDelay]]:
        """By corridor, and by day of both spans in their order."""
        days = self._both("delay").cache()
        known = days.groupBy("span", "subject").agg(
            f.sum("vehicle_hours").alias("vehicle_hours"),
            f.sum("vehicle_km").alias("vehicle_km"),
            f.avg("seconds").alias("seconds"),
            f.sum("buckets").cast("long").alias("buckets"),
            (f.sum("good_buckets") / f.sum("buckets")).alias("good_share"),
        )
        by_day = days.groupBy("day").agg(
            f.sum("vehicle_hours").alias("vehicle_hours"),
            (f.sum("seconds") / f.sum("links")).alias("seconds"),
            f.sum("buckets").cast("long").alias("buckets"),
            (f.sum("good_buckets") / f.sum("buckets")).alias("good_share"),
        )
        compared = self._compared(known, "subject", lambda row: Delay(**_fields(row)))
        return compared, [DayDelay(**row.asDict()) for row in by_day.orderBy("day").collect()]

    def reliability(self) -> Compared[Reliability]:
        """By corridor, with its least reliable period."""
        worst = self._both("periods").groupBy("span", "subject")
        worst_period = worst.agg(f.max_by("period", "planning_time_index").alias("worst_period"))
        known = self._both("travel_times").join(worst_period, ["span", "subject"], "left")
        return self._compared(known, "subject", lambda row: Reliability(**_fields(row)))

    def incidents(self) -> Compared[Incident]:
        """By id."""
        known = self._both("incidents")
        return self._compared(known, "incident_id", lambda row: Incident(row["incident_id"], **_fields(row)))

    def bottlenecks(self) -> Compared[Bottleneck]:
        """By sensor."""
        known = (
            self._both("bottlenecks")
            .groupBy("span", "sensor")
            .agg(
                f.first("name").alias("name"),
                f.first("corridor").alias("corridor"),
                f.sum("vehicle_hours").alias("vehicle_hours"),
                f.sum("active_minutes").cast("long").alias("active_minutes"),
                f.countDistinct("day").alias("days"),
                f.max("max_extent_m").alias("max_extent_m"),
                (f.sum("good_minutes") / f.sum("active_minutes")).alias("good_share"),
            )
        )
        return self._compared(known, "sensor", lambda row: Bottleneck(row["sensor"], **_fields(row)))

    def _both(self, query: str) -> DataFrame:
        """The rows of both spans, told apart by `span`; each is read by a connection of its own, both at once."""
        spans = {NOW: self.now, BEFORE: self.before}
        now, before = (self._of(query, days).withColumn("span", f.lit(span)) for span, days in spans.items())
        return now.unionByName(before)

    def _of(self, query: str, days: Days) -> DataFrame:
        start, end = days.bounds(self.parameters.time_zone)
        values = {
            "first": days.first,
            "last": days.last,
            "start": start,
            "end": end,
            "time_zone": self.parameters.time_zone,
            "percentile": self.parameters.planning_percentile,
        }
        text = (files(__package__) / f"{query}.sql").read_text()
        literals = {name: sql.Literal(value) for name, value in values.items()}
        composed = sql.SQL(text).format(**literals).as_string(None)
        return self.session.read.jdbc(self.source.url, f"({composed}) AS rows", properties=self.source.properties)

    def _compared(self, frame: DataFrame, key: str, made: Callable[[Row], T]) -> Compared[T]:
        found: dict[str, dict[str, T]] = {NOW: {}, BEFORE: {}}
        for row in frame.collect():
            found[row["span"]][row[key]] = made(row)
            self.rows += 1
        return Compared(found[NOW], found[BEFORE])


def _fields(row: Row) -> dict[str, Any]:
    """All but what tells rows apart."""
    return {name: value for name, value in row.asDict().items() if name not in KEYS}
