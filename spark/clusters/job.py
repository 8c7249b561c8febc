"""The clusters job: MLlib's K-means over weekly profiles.

A profile is the mean speed of each of the week's 168 hours, in the city's own time, over the highest of them: two
roads with the same rhythm are alike however fast they are. An hour without readings takes the mean of the same hour
on the other days, or of all hours.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import pandas as pd

from schema.tables import cluster_shapes, sensor_clusters
from spark.calendar import HOURS_OF_WEEK
from spark.city import City
from spark.clusters.choosing import Grouping, choose
from spark.clusters.shapes import names_of
from spark.days import Days
from spark.runs import Result, Run
from spark.series import Look, Series

LEAST_KNOWN: Final = 0.5
"""Of the hours of the week that the best known sensor has; of fewer a sensor has no week yet."""

_ASSIGNED: Final = ("sensor_id", "cluster", "k", "distance", "profile", "computed_at")
_SHAPES: Final = ("cluster", "name", "sensors", "medoid_sensor_id", "profile", "silhouette", "stability")


def compute(run: Run, city: City, k: int | None = None) -> None:
    """Into `sensor_clusters` and `cluster_shapes`; `k` clusters, or as many as fit best.

    Raises `ConfigurationError` where there are fewer sensors than clusters.
    """
    with run.stage("Weekly profiles"):
        sensors, profiles = weekly_profiles(city)
    with run.stage("Grouping"):
        grouping = choose(city.session, profiles, k, run.say)
    names = names_of(grouping.centres)
    run.store(Result(sensor_clusters, _ASSIGNED, _assigned(sensors, profiles, grouping)))
    run.store(Result(cluster_shapes, _SHAPES, _shapes(sensors, profiles, grouping, names)))


def weekly_profiles(city: City) -> tuple[list[int], np.ndarray]:
    """Ids of the sensors whose weeks are known, and an array of a row of 168 shares of its highest each."""
    found = city.each(_weeks(city.days), "sensor_id int, week array<double>").sort_values("sensor_id")
    weeks = np.array(found["week"].tolist(), dtype=float).reshape(-1, HOURS_OF_WEEK)
    hours = np.count_nonzero(~np.isnan(weeks), axis=1)
    known = (hours >= LEAST_KNOWN * hours.max(initial=0)) & (np.nan_to_num(weeks).max(axis=1, initial=0) > 0)
    filled = _filled(weeks[known])
    return found["sensor_id"][known].tolist(), filled / filled.max(axis=1, keepdims=True)


def _weeks(days: Days) -> Look:
    def look(corridors: list[list[Series]]) -> pd.DataFrame:
        every = [series for corridor in corridors for series in corridor]
        weeks = [(series.sensor.id, days.week(series)) for series in every]
        return pd.DataFrame(weeks, columns=["sensor_id", "week"])

    return look


def _filled(profiles: np.ndarray) -> np.ndarray:
    days = profiles.reshape(len(profiles), 7, 24)
    known = ~np.isnan(days)
    sums = np.where(known, days, 0)
    by_hour = np.divide(sums.sum(1), known.sum(1), out=np.full((len(days), 24), np.nan), where=known.any(1))
    overall = sums.sum((1, 2)) / np.maximum(known.sum((1, 2)), 1)
    by_hour = np.where(np.isnan(by_hour), overall[:, None], by_hour)
    return np.where(known, days, by_hour[:, None, :]).reshape(profiles.shape)


def _assigned(sensors: Sequence[int], profiles: np.ndarray, grouping: Grouping) -> list[tuple[Any, ...]]:
    now, distances = datetime.now(UTC), grouping.distances(profiles)
    return [
        (sensor, int(cluster), grouping.k, float(distance), profile.tolist(), now)
        for sensor, cluster, distance, profile in zip(sensors, grouping.labels, distances, profiles, strict=True)
    ]


def _shapes(
    sensors: Sequence[int], profiles: np.ndarray, grouping: Grouping, names: list[str]
) -> list[tuple[Any, ...]]:
    """The sensor nearest to the centre is the one whose squared distances to all others of the cluster are least."""
    rows, distances = [], grouping.distances(profiles)
    for number, name in enumerate(names):
        members = np.flatnonzero(grouping.labels == number)
        medoid = sensors[int(members[np.argmin(distances[members])])]
        centre = grouping.centres[number].tolist()
        rows.append((number, name, len(members), medoid, centre, grouping.silhouette, grouping.stability))
    return rows
