"""The anomalies job: a corridor's sensors against the normal band, against their neighbours, and against silence."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as f

from schema.tables import anomalies
from spark.anomalies import stretches
from spark.anomalies.band import spread_of
from spark.anomalies.stretches import Stretch
from spark.calendar import STEP_S
from spark.city import City
from spark.patterns.job import quarters_of
from spark.patterns.profiles import profile
from spark.runs import Result, Run

_COLUMNS: Final = ("sensor_id", "time", "kind", "ended_at", "score", "expected", "observed")
_FOUND: Final = "sensor_id int, kind string, start long, end long, score double, expected double, observed double"


def compute(run: Run, city: City) -> None:
    """Into `anomalies`, in the place of all that began in the span."""
    with run.stage("Normal band"):
        band = normal_band(city).cache()
        band.count()
        reporting = _reporting(city)
    with run.stage("Looking for what is not normal"):
        found = _found(city, band, reporting)
    band.unpersist()
    rows = [_row(one) for one in found.itertuples(index=False)]
    forget, values = "time >= %s AND time < %s", (run.span.start, run.span.end)
    run.store(Result(anomalies, _COLUMNS, rows, forget, values))


def normal_band(city: City) -> DataFrame:
    """`sensor_id, day_type, minute, expected, lower, upper`, from the span itself."""
    bands = profile(quarters_of(city).where("subject_kind = 'sensor'")).join(
        city.placed().withColumnRenamed("sensor", "subject"), "subject"
    )
    return bands.select(
        "sensor_id",
        "day_type",
        "minute",
        f.col("speed_kmh").alias("expected"),
        f.col("lower_kmh").alias("lower"),
        f.col("upper_kmh").alias("upper"),
    )


def _reporting(city: City) -> pd.Series:
    """Share of the sensors that said anything, by epoch."""
    counts = city.readings.groupBy("epoch").agg(f.count("sensor_id").alias("sensors")).toPandas()
    first, last = int(counts["epoch"].min()), int(counts["epoch"].max())
    every = counts.set_index("epoch")["sensors"].reindex(range(first, last + 1, STEP_S), fill_value=0)
    shares: pd.Series = every / max(int(every.quantile(0.9)), 1)
    return shares


def _found(city: City, band: DataFrame, reporting: pd.Series) -> pd.DataFrame:
    corridors = [(one.id, one.corridor or f"sensor {one.id}", one.ordinal or 0) for one in city.sensors]
    placed = city.session.createDataFrame(corridors, "sensor_id int, corridor string, ordinal int")
    dated = city.dated().join(f.broadcast(placed), "sensor_id")
    known = dated.join(band, ["sensor_id", "day_type", "minute"], "left")
    rows = known.select(
        "corridor", "sensor_id", "ordinal", "epoch", "day", "speed_kmh", "stuck", "expected", "lower", "upper"
    )
    shares, first = reporting.to_numpy(float), int(reporting.index[0])

    def look(part: pd.DataFrame) -> pd.DataFrame:
        found = [(sensor, *_values(one)) for sensor, one in of_corridor(part, shares, first)]
        return pd.DataFrame(found, columns=["sensor_id", "kind", "start", "end", "score", "expected", "observed"])

    found: pd.DataFrame = rows.groupBy("corridor").applyInPandas(look, _FOUND).toPandas()
    return found


def of_corridor(part: pd.DataFrame, reporting: np.ndarray, first: int) -> Iterator[tuple[int, Stretch]]:
    """What is found at each sensor of a corridor, whose rows these are."""
    ordered = part.sort_values(["ordinal", "sensor_id", "epoch"])
    series = {sensor: _Series(rows) for sensor, rows in ordered.groupby("sensor_id", sort=False)}
    sensors = list(series)
    last = first + (len(reporting) - 1) * STEP_S
    for place, sensor in enumerate(sensors):
        one = series[sensor]
        beside = [series[sensors[at]] for at in (place - 1, place + 1) if 0 <= at < len(sensors)]
        for stretch in one.found(beside, reporting, first, last):
            yield int(str(sensor)), stretch


class _Series:
    """One sensor's rows as arrays."""

    def __init__(self, rows: pd.DataFrame) -> None:
        self.epochs = rows["epoch"].to_numpy()
        self.days = rows["day"].to_numpy()
        self.stuck = rows["stuck"].to_numpy()
        self.speeds, self.expected, lower, upper = (
            rows[name].to_numpy(float) for name in ("speed_kmh", "expected", "lower", "upper")
        )
        spread = spread_of(self.speeds, self.expected, lower, upper)
        self.z = stretches.deviations(self.speeds, self.expected, spread)

    def found(self, beside: "list[_Series]", reporting: np.ndarray, first: int, last: int) -> Iterator[Stretch]:
        good = ~np.isnan(self.z)
        epochs, speeds, expected, z = (array[good] for array in (self.epochs, self.speeds, self.expected, self.z))
        yield from stretches.off_normal(epochs, speeds, expected, z)
        if beside:
            yield from stretches.unlike(epochs, speeds, expected, z, self._of_others(beside)[good])
        yield from stretches.level_shift(self.epochs, self.speeds, self.days)
        yield from stretches.stuck(self.epochs, self.stuck)
        yield from stretches.silent(self.epochs, reporting, first, last)

    def _of_others(self, beside: "list[_Series]") -> np.ndarray:
        """The farthest from normal that any neighbour is at each time; NaN where none is known."""
        each = []
        for other in beside:
            at = np.searchsorted(other.epochs, self.epochs)
            there = (at < len(other.epochs)) & (other.epochs[np.minimum(at, len(other.epochs) - 1)] == self.epochs)
            each.append(np.where(there, np.abs(other.z[np.minimum(at, len(other.epochs) - 1)]), np.nan))
        found: np.ndarray = np.fmax.reduce(each)
        return found


def _values(one: Stretch) -> tuple[Any, ...]:
    return one.kind, one.start, one.end, one.score, one.expected, one.observed


def _row(one: Any) -> tuple[Any, ...]:
    known = [None if pd.isna(value) else float(value) for value in (one.score, one.expected, one.observed)]
    return (int(one.sensor_id), _time(one.start), one.kind, _time(one.end), *known)


def _time(epoch: float | None) -> datetime | None:
    return None if epoch is None or pd.isna(epoch) else datetime.fromtimestamp(int(epoch), UTC)
