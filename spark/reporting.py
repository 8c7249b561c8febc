"""The feed as a whole: how much of it reported when, so that its own gaps are told apart from those of sensors."""

from dataclasses import dataclass

import numpy as np
from pyspark.sql import functions as f

from spark.calendar import STEP_S
from spark.city import City


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


def reporting_of(city: City) -> Reporting:
    """Over the city's span."""
    each = city.packed.select(f.inline(f.arrays_zip("epoch", "readings")))
    counted = each.groupBy("epoch").agg(f.count("epoch"), f.percentile_approx("readings", 0.5)).toPandas()
    epochs, sensors, readings = (counted.iloc[:, at].to_numpy() for at in range(3))
    first = int(epochs.min())
    places = (epochs - first) // STEP_S
    counts, typical = np.bincount(places, sensors), np.bincount(places, readings)
    return Reporting(first, counts / max(np.quantile(counts, 0.9), 1), typical)
