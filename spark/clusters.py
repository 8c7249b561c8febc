"""Groups sensors by the shape of their day: MLlib's K-means over hourly mean-speed profiles.

A profile is the mean speed of each of the 24 hours, in the city's own time, over the highest of them: two roads with
the same rhythm are alike however fast they are. An hour without readings takes the mean of the hours that have some.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

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
_NEWEST = "SELECT max(time) FROM readings"
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
    """What a run does: `days` back from the newest reading, `k` clusters, hours of day in `time_zone`."""

    days: float = 7
    k: int = 4
    time_zone: str = "America/New_York"


def run(session: SparkSession, database_url: str, options: Options) -> list[Cluster]:
    """Read, group, and replace the content of `sensor_clusters`; returns the clusters, largest first.

    Raises `ConfigurationError` where there is nothing to group. A run that fails leaves the former result.
    """
    end = _newest(database_url) + timedelta(microseconds=1)
    start = end - timedelta(days=options.days)
    readings = read_by_time(session, Source.of(database_url), _READINGS, start, end, PARTITIONS)
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
    features = profiles.withColumn("features", array_to_vector("profile")).cache()
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
