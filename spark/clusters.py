"""Groups sensors by the shape of their day: MLlib's K-means over hourly mean-speed profiles.

A profile is the mean speed of each of the 24 hours, in the city's own time, over the highest of them: two roads with
the same rhythm are alike however fast they are. An hour without readings takes the mean of the hours that have some.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
from pyspark.ml.clustering import KMeans
from pyspark.ml.functions import array_to_vector
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from spark.jdbc import Source, read_by_time
from urbanclear.errors import ConfigurationError

HOURS = range(24)
SEED = 1
PARTITIONS = 8

_READINGS = "SELECT sensor_id, time, speed_kmh FROM readings WHERE speed_kmh IS NOT NULL"
_NEWEST = "SELECT max(time) FROM latest_readings"
_ALONE = "LOCK TABLE sensor_clusters IN SHARE ROW EXCLUSIVE MODE"  # readers go on; a second run waits
_FORGET = "DELETE FROM sensor_clusters"
_INSERT = """
    INSERT INTO sensor_clusters (sensor_id, cluster, k, distance, profile, computed_at)
    VALUES (%s, %s, %s, %s, %s, %s)
"""


@dataclass(frozen=True)
class Assignment:
    """The cluster of one sensor; `distance` is from the cluster's centre."""

    sensor_id: int
    cluster: int
    distance: float
    profile: list[float]


@dataclass(frozen=True)
class Cluster:
    """One cluster, for people: its size and its slowest hour."""

    number: int
    sensors: int
    slowest_hour: int
    slowest_ratio: float


@dataclass(frozen=True)
class Options:
    """What a run does: `k` clusters, hours of day in `time_zone`."""

    k: int = 4
    time_zone: str = "America/New_York"

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.time_zone)
        except (ValueError, OSError, LookupError):
            raise ConfigurationError(
                f"There is no time zone {self.time_zone!r}: name one as in America/New_York."
            ) from None


@dataclass(frozen=True)
class Span:
    """From `start` until just before `end`."""

    start: datetime
    end: datetime


def newest_span(database_url: str, days: float) -> Span:
    """The last `days` for which there are readings, whatever the clock says.

    Raises `ConfigurationError` where there are none, or no database that answers.
    """
    try:
        end = _newest(database_url) + timedelta(microseconds=1)
    except psycopg.errors.UndefinedTable:
        raise ConfigurationError("The database has no table readings: run `urbanclear schema upgrade`.") from None
    except psycopg.OperationalError as error:
        reason = " ".join(str(error).split())
        raise ConfigurationError(
            f"The database does not answer: start the stack with `urbanclear up`, or check "
            f"URBANCLEAR_DATABASE_URL. ({reason})"
        ) from error
    return Span(end - timedelta(days=days), end)


def run(session: SparkSession, database_url: str, span: Span, options: Options) -> list[Cluster]:
    """Read, group, and replace the content of `sensor_clusters`; returns the clusters, largest first.

    Raises `ConfigurationError` where there are too few sensors. A run that fails leaves the former result.
    """
    readings = read_by_time(session, Source.of(database_url), _READINGS, span.start, span.end, PARTITIONS)
    assignments = group(profiles(readings, options.time_zone), options.k)
    _store(database_url, assignments, options.k)
    return _describe(assignments)


def profiles(readings: DataFrame, time_zone: str) -> DataFrame:
    """`sensor_id, profile` (24 numbers, 0 to 1) from `sensor_id, time, speed_kmh`."""
    by_hour = (
        readings.withColumn("hour", f.hour(f.from_utc_timestamp("time", time_zone)))
        .groupBy("sensor_id")
        .pivot("hour", list(HOURS))
        .agg(f.avg("speed_kmh"))
    )
    means = f.array(*[f.col(str(number)) for number in HOURS])
    known = f.filter(means, lambda mean: mean.isNotNull())
    average = f.aggregate(known, f.lit(0.0), lambda total, mean: total + mean) / f.size(known)
    filled = f.transform(means, lambda mean: f.coalesce(mean, average))
    highest = f.array_max(filled)
    return by_hour.where(highest > 0).select(
        "sensor_id", f.transform(filled, lambda mean: mean / highest).alias("profile")
    )


def group(profiles: DataFrame, k: int) -> list[Assignment]:
    """Every sensor with its cluster; raises `ConfigurationError` with fewer sensors than clusters."""
    # A row a sensor: one partition is quickest, and in one order it gives the same clusters each time.
    features = profiles.withColumn("features", array_to_vector("profile")).repartition(1)
    features = features.sortWithinPartitions("sensor_id").cache()
    sensors = features.count()
    if sensors < k:
        raise ConfigurationError(f"{sensors} sensors have speeds, too few for {k} clusters: choose a smaller --k.")
    model = KMeans(k=k, seed=SEED).fit(features)
    centres = [list(map(float, centre)) for centre in model.clusterCenters()]
    rows = model.transform(features).select("sensor_id", "profile", "prediction").collect()
    return [
        Assignment(row.sensor_id, row.prediction, math.dist(row.profile, centres[row.prediction]), row.profile)
        for row in rows
    ]


def _newest(database_url: str) -> datetime:
    with psycopg.connect(database_url) as connection:
        row = connection.execute(_NEWEST).fetchone()
    if row is None or row[0] is None:
        raise ConfigurationError("There are no readings to group: start a source, for example with `urbanclear up`.")
    newest: datetime = row[0]
    return newest.astimezone(UTC)


def _store(database_url: str, assignments: Sequence[Assignment], k: int) -> None:
    now = datetime.now(UTC)
    rows = [(a.sensor_id, a.cluster, k, a.distance, a.profile, now) for a in assignments]
    with psycopg.connect(database_url) as connection, connection.cursor() as cursor:
        cursor.execute(_ALONE)
        cursor.execute(_FORGET)
        cursor.executemany(_INSERT, rows)


def _describe(assignments: Sequence[Assignment]) -> list[Cluster]:
    clusters = []
    for number in sorted({assignment.cluster for assignment in assignments}):
        members = [assignment.profile for assignment in assignments if assignment.cluster == number]
        means = [sum(profile[hour] for profile in members) / len(members) for hour in HOURS]
        slowest = min(HOURS, key=means.__getitem__)
        clusters.append(Cluster(number, len(members), slowest, round(means[slowest], 3)))
    return sorted(clusters, key=lambda cluster: -cluster.sensors)
