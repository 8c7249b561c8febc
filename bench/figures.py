"""A figure: what every benchmark prints, in one form."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median, quantiles


@dataclass(frozen=True)
class Figure:
    """The median of `runs` runs; `ratio` is it over `baseline`, measured in the same run where there is one."""

    name: str
    value: float
    unit: str
    baseline: float | None
    ratio: float | None
    runs: int
    min: float
    max: float


def figure(name: str, unit: str, values: Sequence[float], baselines: Sequence[float] = ()) -> Figure:
    """From the values of each run, and those of the bare part in the same runs."""
    baseline = median(baselines) if baselines else None
    ratios = [value / bare for value, bare in zip(values, baselines, strict=True)] if baselines else []
    return Figure(
        name=name,
        value=round(median(values), 4),
        unit=unit,
        baseline=None if baseline is None else round(baseline, 4),
        ratio=round(median(ratios), 3) if ratios else None,
        runs=len(values),
        min=round(min(values), 4),
        max=round(max(values), 4),
    )


def p99(values: Sequence[float]) -> float:
    """The value that one in a hundred is above."""
    return quantiles(values, n=100, method="inclusive")[-1]


def as_json(figures: Sequence[Figure], **context: object) -> str:
    """One array, an object a figure, each with what holds for all of them."""
    return json.dumps([{**asdict(one), **context} for one in figures], indent=2)
