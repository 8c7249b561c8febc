"""The feed as a whole: how much of it reported when, so that its own gaps are told apart from those of sensors."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as f

from spark.calendar import STEP_S

_COUNTED: Final = "epoch bigint, readings int, sensors bigint"
_MOST: Final = 100_000  # readings of a sensor in 5 minutes, more than there can be


@dataclass(frozen=True)
class Reporting:
    """For each 5 minutes from the epoch `first` on: the share of the sensors that said anything, and how many
    readings the median one of them had (0 where none had)."""

    first: int
    shares: np.ndarray
    readings: np.ndarray

    @property
    def last(self) -> int:
        """The epoch of the last."""
        return self.first + (len(self.shares) - 1) * STEP_S


def reporting_of(packed: DataFrame) -> Reporting:
    """Of series, as `spark.series` packs them: how many sensors had how many readings, counted where they are."""
    counts = packed.select("epoch", "readings").mapInArrow(_counted, _COUNTED)
    summed = counts.groupBy("epoch", "readings").agg(f.sum("sensors")).toPandas().sort_values(["epoch", "readings"])
    epochs, readings, sensors = (summed.iloc[:, at].to_numpy() for at in range(3))
    first = int(epochs[0])
    places = (epochs - first) // STEP_S
    told = np.bincount(places, sensors)
    return Reporting(first, told / max(np.quantile(told, 0.9), 1), _medians(places, readings, sensors, len(told)))


def _counted(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        epochs, readings = (column.flatten().to_numpy() for column in batch.columns)
        kinds, sensors = np.unique(epochs * _MOST + np.minimum(readings, _MOST - 1), return_counts=True)
        columns = [kinds // _MOST, (kinds % _MOST).astype(np.int32), sensors]
        yield pa.RecordBatch.from_arrays([pa.array(one) for one in columns], ["epoch", "readings", "sensors"])


def _medians(places: np.ndarray, readings: np.ndarray, sensors: np.ndarray, size: int) -> np.ndarray:
    """The median of `readings`, which rise within a place, each counted as often as there are `sensors`."""
    reached = np.cumsum(sensors)
    before = np.concatenate([[0], np.cumsum(np.bincount(places, sensors, minlength=size))])
    half = (reached - before[places]) * 2 >= np.diff(before)[places]
    found = np.zeros(size)
    at, where = np.unique(places[half], return_index=True)
    found[at] = readings[half][where]
    return found
