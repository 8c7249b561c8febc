"""How regular traffic is: the share of its variation that the time of the day, and then the day of the week,
explain.

The strength of a season after Wang, Smith and Hyndman ("Characteristic-based clustering for time series data",
2006), max(0, 1 - Var(rest) / Var(season + rest)), with means by slot as the season: daily by the time of the day,
weekly by the day of the week and the time of the day, of what the time of the day leaves.
"""

from typing import Final

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as f

LEAST_DAYS: Final = 2
LEAST_WEEKS: Final = 2
_KEY: Final = ["subject_kind", "subject"]

Strengths = dict[tuple[str, str], tuple[float | None, float | None]]


def strengths(quarters: DataFrame) -> Strengths:
    """Daily and weekly strength, 0 to 1, by kind of subject and subject; None where there are too few days."""
    slots = quarters.groupBy(*_KEY, "weekday", "minute").agg(
        f.count("speed_kmh").alias("count"),
        f.sum("speed_kmh").alias("sum"),
        f.sum(f.col("speed_kmh") * f.col("speed_kmh")).alias("squares"),
    )
    days = quarters.groupBy(*_KEY).agg(f.countDistinct("day").alias("days"))
    return _of_slots(slots.toPandas(), days.toPandas())


def _of_slots(slots: pd.DataFrame, days: pd.DataFrame) -> Strengths:
    by_week = _rest(slots, [*_KEY, "weekday", "minute"])
    by_day = _rest(slots, [*_KEY, "minute"])
    whole = _rest(slots, _KEY)
    known = days.set_index(_KEY)["days"]
    found: Strengths = {}
    for key in whole.index:
        daily = _strength(by_day[key], whole[key]) if known[key] >= LEAST_DAYS else None
        weekly = _strength(by_week[key], by_day[key]) if known[key] >= 7 * LEAST_WEEKS else None
        found[key] = (daily, weekly)
    return found


def _rest(slots: pd.DataFrame, by: list[str]) -> pd.Series:
    """Sum of squares about the means of the groups, by subject."""
    sums = slots.groupby(by, sort=False)[["count", "sum", "squares"]].sum()
    rest = sums["squares"] - sums["sum"] ** 2 / sums["count"]
    return rest.groupby(level=_KEY, sort=False).sum()


def _strength(rest: float, before: float) -> float | None:
    """None of what does not vary at all."""
    if before <= 1e-9:
        return None
    return float(np.clip(1 - rest / before, 0, 1))
