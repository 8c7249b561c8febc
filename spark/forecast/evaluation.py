"""How well a model foretells days it has not seen, beside the last value and what is usual then.

As in the papers on METR-LA: an hour in, an hour out, at every step; what was not measured is left out of what is seen
and of what is scored.
"""

import resource
import time
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal

import numpy as np

from schema.units import KMH_PER_MPH
from spark.forecast.correction import Correction, walk
from spark.forecast.features import ahead_of
from spark.forecast.frame import DAY_S, Frame, Ints
from spark.forecast.model import LOWER, MIDDLE, UPPER, Model
from spark.forecast.network import QUANTILES
from spark.forecast.window import HORIZONS, STEP, STEPS_IN, Floats

Unit = Literal["km/h", "mph"]
UNITS: Final[dict[Unit, float]] = {"km/h": 1.0, "mph": KMH_PER_MPH}
_STEP_MINUTES: Final = int(STEP.total_seconds()) // 60
_TIMED: Final = 20
_TIMED_SENSORS: Final = 207
_ENOUGH_OF_A_DAY: Final = 1_000
_EPOCH: Final = date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class Told:
    """Of hours: what followed [hours, sensors, HORIZONS], and what was told of it, km/h; `frozen` by the model
    without its correction."""

    actual: Floats
    model: Floats
    frozen: Floats
    lower: Floats
    upper: Floats
    last_value: Floats
    usual: Floats
    days: np.ndarray


def judge(model: Model, test: Frame, unit: Unit = "km/h") -> dict[str, Any]:
    """Errors in `unit`, MAPE in percent; `worst_day` is the one on which the last value was furthest off."""
    test = test.of_sensors(model.sensors)
    told = _told(model, test)
    size = UNITS[unit]
    found: dict[str, Any] = {"unit": unit, "hours": len(told.actual), "sensors": len(model.sensors)}
    for horizon in range(HORIZONS):
        minutes = horizon_minutes(horizon)
        known = np.isfinite(told.actual[..., horizon])
        actual = told.actual[..., horizon][known]
        for prefix, of in (
            ("", told.model),
            ("frozen_", told.frozen),
            ("last_value_", told.last_value),
            ("usual_", told.usual),
        ):
            error = np.abs(of[..., horizon][known] - actual)
            found[f"{prefix}mae_{minutes}"] = _rounded(error.mean() / size)
            found[f"{prefix}rmse_{minutes}"] = _rounded(np.sqrt((error**2).mean()) / size)
            found[f"{prefix}mape_{minutes}"] = round(float(100 * (error / actual).mean()), 2)
        found[f"vs_last_value_{minutes}"] = round(found[f"mae_{minutes}"] / found[f"last_value_mae_{minutes}"], 3)
        inside = (told.lower[..., horizon][known] <= actual) & (actual <= told.upper[..., horizon][known])
        found[f"coverage_90_{minutes}"] = round(float(inside.mean()), 3)
    known = np.isfinite(told.actual)
    inside = (told.lower <= told.actual) & (told.actual <= told.upper)
    found["coverage_90"] = round(float(inside[known].mean()), 4)
    found["interval"] = _rounded(np.nanmean((told.upper - told.lower)[known]) / size)
    return found | _worst_day(told, size) | {"predict_ms": predict_ms(model, test)}


def horizon_minutes(number: int) -> int:
    """How far ahead the first, number 0, and the others are."""
    return (number + 1) * _STEP_MINUTES


def predict_ms(model: Model, test: Frame) -> float:
    """One minute's forecasts of at least 207 sensors: the median of some. Where a model has fewer, more hours."""
    ends = test.ends[: -(-_TIMED_SENSORS // len(model.sensors))]
    seconds = []
    for _ in range(_TIMED):
        begun = time.perf_counter()
        model.foretell(test, ends)
        seconds.append(time.perf_counter() - begun)
    return round(float(np.median(seconds)) * 1_000, 1)


def peak_gb() -> float:
    """The most memory that this process has had."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)


def _told(model: Model, test: Frame) -> Told:
    """Of the hours that have speeds before or after them. What the model has no word for, since nothing was measured
    in the hour, is told as what is usual, or else as the last value. Where nothing was ever measured before, nothing
    can be told, and nothing is scored."""
    ends = _spoken(test)
    ahead = ends[:, None] + np.arange(1, HORIZONS + 1)
    shape = (len(ends), len(test.sensors), HORIZONS)
    actual = ahead_of(test, ends).reshape(shape)
    spread = model.usual.quantiles(test, ahead).swapaxes(1, 2)
    frozen, usual = np.empty(shape, np.float32), np.empty(shape, np.float32)
    told = np.empty((*shape, len(QUANTILES)), np.float32)
    for hour, (expected, corrected) in enumerate(walk(model, test, ends, Correction(len(test.sensors)))):
        frozen[hour], usual[hour], told[hour] = expected.told[..., MIDDLE], expected.usual, corrected
    said = np.isfinite(told[..., MIDDLE])
    last = np.broadcast_to(_carried(test.speeds_kmh)[ends][..., None], shape)
    last, usual = np.where(np.isfinite(last), last, usual), np.where(np.isfinite(usual), usual, last)
    return Told(
        np.where(np.isfinite(last), actual, np.nan),
        np.where(said, told[..., MIDDLE], usual),
        np.where(said, frozen, usual),
        np.where(said, told[..., LOWER], spread[..., 0]),
        np.where(said, told[..., UPPER], spread[..., -1]),
        last,
        usual,
        test.seconds(ends) // DAY_S,
    )


def _spoken(test: Frame) -> Ints:
    """The ends of hours before or after which anything was measured: files may be years apart."""
    measured = np.concatenate([[0], np.cumsum(np.isfinite(test.speeds_kmh).any(1))])
    ends = test.ends
    found: Ints = ends[measured[ends + HORIZONS + 1] > measured[ends - STEPS_IN + 1]]
    return found


def _carried(speeds: Floats) -> Floats:
    """The newest speed up to each step, however old."""
    newest = np.where(np.isfinite(speeds), np.arange(len(speeds))[:, None], 0)
    found: Floats = np.take_along_axis(speeds, np.maximum.accumulate(newest, axis=0), 0)
    return found


def _worst_day(told: Told, size: float) -> dict[str, Any]:
    days = {}
    for day in np.unique(told.days):
        of_day = told.days == day
        actual = told.actual[of_day]
        known = np.isfinite(actual)
        if known.sum() >= _ENOUGH_OF_A_DAY:
            last, model = (np.abs(of[of_day] - actual)[known].mean() for of in (told.last_value, told.model))
            days[str(date.fromordinal(_EPOCH + int(day)))] = (float(last), float(model))
    if not days:
        return {}
    worst = max(days, key=lambda day: days[day][0])
    last, own = days[worst]
    return {
        "worst_day": worst,
        "worst_day_mae": _rounded(own / size),
        "worst_day_last_value_mae": _rounded(last / size),
        "days": len(days),
        "days_behind_last_value": sum(own > last for last, own in days.values()),
    }


def _rounded(value: float) -> float:
    return round(float(value), 3)
