"""All that is measured of forecasts: from files as research publishes them, and live."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.figures import Figure, figure, p99
from bench.forecast.live import measure_live
from bench.spark.city import urbanclear

Say = Callable[[str], None]

_UNITS: Final = {"train_s": "s", "train_peak_gb": "GB", "predict_ms": "ms", "coverage_90": "share"}
_MINUTES: Final = (15, 30, 60)


@dataclass(frozen=True)
class Files:
    """Of one form: to learn from, and to judge on."""

    form: str
    learned: Sequence[Path]
    apart: Sequence[Path]
    tested: Sequence[Path]


@dataclass(frozen=True)
class Plan:
    """How much is done live."""

    sensors: int = 1_000
    rounds: int = 10
    model_days: int = 7


FULL: Final = Plan()
QUICK: Final = Plan(sensors=50, rounds=2, model_days=0)


async def measure(plan: Plan, files: Files | None, say: Say) -> list[Figure]:
    """On a stack of its own; `files` takes as long as training does."""
    figures = [] if files is None else await _of_files(files, say)
    live = await measure_live(plan.sensors, plan.rounds, plan.model_days, say)
    return [
        *figures,
        figure("prediction_p50_s", "s", live.seconds),
        figure("prediction_p99_s", "s", [p99(live.seconds)]),
        figure("forecast_rss_mb", "MB", [live.rss_mb]),
    ]


async def _of_files(files: Files, say: Say) -> list[Figure]:
    """Errors, with the last value's in the same run as the bare part."""
    say(f"training and judging on {files.form}")
    named = (("--train", files.learned), ("--validate", files.apart), ("--test", files.tested))
    options = [part for option, paths in named for path in paths for part in (option, str(path))]
    found = json.loads(await urbanclear("forecast", "evaluate", "--format", files.form, *options, "--json"))
    errors = [
        figure(
            f"{error}_{minutes}",
            "%" if error == "mape" else found["unit"],
            [found[f"{error}_{minutes}"]],
            [found[f"last_value_{error}_{minutes}"]],
        )
        for minutes in _MINUTES
        for error in ("mae", "rmse", "mape")
    ]
    return errors + [figure(name, unit, [found[name]]) for name, unit in _UNITS.items()]
