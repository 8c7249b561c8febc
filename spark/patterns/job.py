"""The patterns job: profiles, rush hours and seasonality of every sensor, area and road, from means of a quarter of
an hour.
"""

from typing import Any, Final

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as f

from schema.tables import profiles, seasonality
from spark.city import City
from spark.patterns.profiles import PROFILE_COLUMNS, profile
from spark.patterns.rush_hours import rush_hours
from spark.patterns.seasonality import strengths
from spark.runs import Result, Run

KINDS: Final = ("sensor", "area", "road")
_SUBJECT: Final = ["subject_kind", "subject"]
_SEASONALITY: Final = (*_SUBJECT, "daily_strength", "weekly_strength", "rush_hours")


def compute(run: Run, city: City) -> None:
    """Into `profiles` and `seasonality`."""
    with run.stage("Quarters of an hour"):
        quarters = quarters_of(city).cache()
        quarters.count()
    with run.stage("Profiles"):
        found = profile(quarters).toPandas()
    with run.stage("Rush hours and seasonality"):
        strong = strengths(quarters)
        rushes = {key: rush_hours(group) for key, group in found.groupby(_SUBJECT, sort=False)}
    quarters.unpersist()
    run.store(Result(profiles, PROFILE_COLUMNS, rows_of(found[list(PROFILE_COLUMNS)])))
    rows = [(*key, *strong.get(key, (None, None)), rushes[key]) for key in rushes]
    run.store(Result(seasonality, _SEASONALITY, rows))


def quarters_of(city: City) -> DataFrame:
    """Means of each quarter of an hour of each day, of sensors, of areas and of roads.

    Of an area or a road it is the mean over its sensors, each of which counts the same.
    """
    when = ["day", "minute", "day_type", "weekday"]
    means = [f.avg(name).alias(name) for name in ("speed_kmh", "volume_vph")]
    by_sensor = city.dated().groupBy("sensor_id", *when).agg(*means).join(city.placed(), "sensor_id").cache()
    frames = []
    for kind in KINDS:
        named = by_sensor.where(f.col(kind).isNotNull()).withColumn("subject", f.col(kind))
        grouped = named if kind == "sensor" else named.groupBy("subject", *when).agg(*means)
        frames.append(grouped.select(f.lit(kind).alias("subject_kind"), "subject", *when, "speed_kmh", "volume_vph"))
    return frames[0].union(frames[1]).union(frames[2])


def rows_of(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    """Its rows as Python's own values, None for what is missing."""
    told = [
        [None if missing else value for value, missing in zip(frame[name].tolist(), frame[name].isna(), strict=True)]
        for name in frame.columns
    ]
    return list(zip(*told, strict=True))
