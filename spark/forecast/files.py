"""A model made from files and judged on others: what papers do, on the command line."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from spark.forecast.evaluation import Unit, judge, peak_gb
from spark.forecast.formats import REGIONS, ZONES, read
from spark.forecast.training import Say, joined, train
from spark.options import SpeedFormat

MPH: Final[Unit] = "mph"


def judge_files(
    format_: SpeedFormat, learned: Sequence[Path], apart: Sequence[Path], tested: Sequence[Path], seed: int, say: Say
) -> dict[str, Any]:
    """Learn from `learned`, with `apart` for the width of intervals (without it, from the newest eighth of the days),
    and judge on `tested`; in mph, as all of these formats are.

    Raises `SourceError` for files that cannot be read or that overlap, `ConfigurationError` for too few days.
    """
    frames = read(format_, [*learned, *apart, *tested])
    train_frame = joined(frames[: len(learned)])
    apart_frame = joined(frames[len(learned) : len(learned) + len(apart)]) if apart else None
    begun = time.perf_counter()
    model = train(train_frame, apart_frame, format_, seed, ZONES[format_], REGIONS[format_], say)
    train_s = round(time.perf_counter() - begun, 1)
    train_peak_gb = peak_gb()
    say("Judging", 1)
    found = judge(model, joined(frames[len(learned) + len(apart) :]), MPH)
    return {"format": format_, "seed": seed} | found | {"train_s": train_s, "train_peak_gb": train_peak_gb}
