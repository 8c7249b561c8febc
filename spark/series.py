"""Readings as series: of each sensor one array a measure, so that jobs work on whole series with numpy where the rows
are.

A partition of readings becomes a row a sensor; a bucket gathers some corridors with all rows of all their sensors.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame

from spark.sensors import Sensor

MEASURES: Final = ("speed_kmh", "volume_vph", "stuck", "readings", "implausible")
READINGS: Final = ("sensor_id", "epoch", *MEASURES)
_PACKED: Final = (
    "sensor_id int, epoch array<bigint>, speed_kmh array<float>, volume_vph array<float>, stuck array<int>, "
    "readings array<int>, implausible array<int>"
)


@dataclass(frozen=True)
class Series:
    """All that a sensor said, in order of time: start of the 5 minutes (s since 1970), km/h and vehicles/h (NaN where
    there is none), whether it was stuck, and how many readings there were, and implausible ones among them."""

    sensor: Sensor
    epochs: np.ndarray
    speeds: np.ndarray
    volumes: np.ndarray
    stuck: np.ndarray
    readings: np.ndarray
    implausible: np.ndarray


#: What is found in the corridors of a bucket, each of which is its sensors' series from its beginning to its end.
Look = Callable[[list[list[Series]]], pd.DataFrame]


def packed(readings: DataFrame) -> DataFrame:
    """From `READINGS` (one row each), a row a sensor and partition."""
    frame: DataFrame = readings.select(*READINGS).mapInArrow(_pack, _PACKED)
    return frame


def in_buckets(sensors: dict[int, Sensor], look: Look) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """What a bucket's rows are given to."""

    def of_bucket(rows: pd.DataFrame) -> pd.DataFrame:
        corridors = defaultdict(list)
        for number, pieces in rows.groupby("sensor_id"):
            one = sensors[int(str(number))]
            corridors[one.along].append(_joined(one, pieces))
        ordered = [sorted(corridors[name], key=lambda one: one.sensor.place) for name in sorted(corridors)]
        return look(ordered)

    return of_bucket


def _pack(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    some = [batch for batch in batches if batch.num_rows]
    if not some:
        return
    rows = pa.Table.from_batches(some).sort_by([("sensor_id", "ascending"), ("epoch", "ascending")])
    sensors = rows["sensor_id"].to_numpy()
    starts = np.flatnonzero(np.diff(sensors, prepend=sensors[0] - 1))
    offsets = pa.array(np.append(starts, len(sensors)), pa.int32())
    columns = {"epoch": rows["epoch"], **{name: _known(rows[name]) for name in MEASURES}}
    lists = [pa.ListArray.from_arrays(offsets, column.combine_chunks()) for column in columns.values()]
    yield pa.RecordBatch.from_arrays([pa.array(sensors[starts], pa.int32()), *lists], ["sensor_id", *columns])


def _known(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.fill_null(column, float("nan")) if pa.types.is_floating(column.type) else pc.fill_null(column, 0)


def _joined(sensor: Sensor, pieces: pd.DataFrame) -> Series:
    epochs, *measures = (np.concatenate(pieces[name].tolist()) for name in ("epoch", *MEASURES))
    order = np.argsort(epochs, kind="stable")
    speeds, volumes, *counts = (values[order] for values in measures)
    return Series(sensor, epochs[order], speeds.astype(float), volumes.astype(float), *counts)
