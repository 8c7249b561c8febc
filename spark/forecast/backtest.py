"""What a model would have been worth: trained anew before each of the last weeks, judged on it. Weeks are folds that
Spark's workers take one by one."""

from collections.abc import Sequence
from typing import Any

from pyspark.sql import SparkSession

from spark.forecast import network
from spark.forecast.evaluation import judge
from spark.forecast.frame import STEPS_A_DAY, Bools, Frame
from spark.forecast.lifecycle import KMH, PREFIX
from spark.forecast.training import LEAST_DAYS, train
from urbanclear.errors import ConfigurationError

_WEEK = 7 * STEPS_A_DAY


def backtest(
    session: SparkSession,
    frame: Frame,
    weeks: int,
    seed: int,
    time_zone: str,
    region: str,
    near: Bools | None = None,
) -> list[dict[str, Any]]:
    """By week, the oldest first, as `judge` tells it, with the day it begins; raises `ConfigurationError` where there
    are too few days before the first."""
    splits = [len(frame) - number * _WEEK for number in range(weeks, 0, -1)]
    if splits[0] < (LEAST_DAYS + 1) * STEPS_A_DAY:
        days = weeks * 7 + LEAST_DAYS + 1
        raise ConfigurationError(
            f"{weeks} weeks after at least {LEAST_DAYS + 1} days to learn from are {days} days, and there are "
            f"{len(frame) / STEPS_A_DAY:.1f}: give more --days, or fewer --weeks."
        )
    batches, shared = network.BATCHES, session.sparkContext.broadcast((frame, near))

    def fold(split: int) -> dict[str, Any]:
        whole, on_roads = shared.value
        before = whole.cut(0, split)
        model = train(before, None, PREFIX, seed, time_zone, region, lambda *_: None, batches, on_roads)
        held = whole.cut(split, split + _WEEK)
        return {"week": f"{held.first:%Y-%m-%d}", "days_learned_from": split // STEPS_A_DAY} | judge(model, held, KMH)

    found: Sequence[dict[str, Any]] = session.sparkContext.parallelize(splits, len(splits)).map(fold).collect()
    return list(found)
