"""What is learned about forecasts while they are made: how far off they were of late, and how often outside.

A city changes after a model was trained: snow, a closed lane, another detector. So what to add to the model's
forecast is learned online, of each sensor and horizon: a constant, a share of the way to the last value and a share
of the way to what is usual; then, of all sensors together and within hours, a share of the way to the last value.
Both are ridge regressions in which older forecasts weigh less, and errors count by their size, not by its square.
How wide intervals are follows how often they were left: quantile tracking as in conformal PID control (Angelopoulos,
Candès and Tibshirani, NeurIPS 2023).

Nothing is learned from a forecast before what it was of has been measured and `SETTLED` steps have gone by.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from spark.forecast.frame import STEPS_A_DAY, Frame, Ints
from spark.forecast.model import LOWER, MIDDLE, UPPER, Expected, Model
from spark.forecast.window import COVERAGE, HORIZONS, Floats

SETTLED: Final = 2
"""Steps until a step's late readings have come."""
WARM_STEPS: Final = STEPS_A_DAY
"""That a process which starts learns from first: older ones weigh less than half."""
_OWN_HALVED_AFTER: Final = STEPS_A_DAY
_OWN_RIDGE: Final = 3_000.0
_CITY_HALVED_AFTER: Final = 24
_CITY_RIDGE: Final = 6_000.0
_CONSTANT_KMH: Final = 5.0
_LEAST_ERROR_KMH: Final = 3.0
_WIDENED_BY_MISS: Final = 0.015  # logarithm
_MOST_WIDER: Final = float(np.log(4))  # or narrower: so it is soon as wide as needed again after days of calm
_MOST: Final = 1.0


class Correction:
    """Of one model's forecasts of `sensors` sensors; steps are numbered one after the other, gaps are allowed."""

    def __init__(self, sensors: int) -> None:
        self._own = _Regression(sensors, 3, _OWN_HALVED_AFTER, _OWN_RIDGE)
        self._city = _Regression(1, 1, _CITY_HALVED_AFTER, _CITY_RIDGE)
        self._wider = np.zeros((sensors, HORIZONS), np.float32)  # logarithm
        self._made: dict[int, _Made] = {}

    def told(self, expected: Expected, step: int | None = None) -> Floats:
        """[sensors, HORIZONS, lower · middle · upper], km/h. Where it is said to be told at the end of `step`, it is
        learned from once that is possible."""
        model, last = expected.told[..., MIDDLE], expected.last[:, None]
        terms = np.stack([np.full_like(model, _CONSTANT_KMH), last - model, expected.usual - model], axis=-1)
        terms = np.nan_to_num(terms)
        own = model + self._own.said(terms)
        to_last = np.nan_to_num(last - own)[..., None]
        middle = own + self._city.said(to_last)
        reach = (expected.told - model[..., None]) * np.exp(self._wider)[..., None]
        told: Floats = np.maximum(middle[..., None] + reach, 0).astype(np.float32)
        if step is not None:
            self._made[step] = _Made(model, terms, own, to_last, told)
            for old in [one for one in self._made if one < step - HORIZONS - SETTLED]:
                del self._made[old]
        return told

    def learn(self, step: int, measured: Floats) -> None:
        """`measured` is what the step was, km/h by sensor, NaN where it is not known."""
        horizons = [horizon for horizon in range(HORIZONS) if step - horizon - 1 in self._made]
        if not horizons:
            return
        made = [self._made[step - horizon - 1].at(horizon) for horizon in horizons]
        model, terms, own, to_last, told = (np.stack(column, axis=1) for column in zip(*made, strict=True))
        actual = measured[:, None]
        self._own.learn(horizons, terms, actual - model)
        self._city.learn(horizons, to_last, actual - own)
        left = (actual < told[..., LOWER]) | (actual > told[..., UPPER])
        known = np.isfinite(actual - model)
        wider = self._wider[:, horizons] + np.where(known, _WIDENED_BY_MISS * (left - (1 - COVERAGE)), 0)
        self._wider[:, horizons] = np.clip(wider, -_MOST_WIDER, _MOST_WIDER)


def walk(
    model: Model, frame: Frame, ends: Ints, correction: Correction, steps_before: int = 0
) -> Iterator[tuple[Expected, Floats]]:
    """What the model alone and what the corrected one tells at each of `ends`, in their order, learning on the way;
    `steps_before` is the number of the frame's first step."""
    frame = frame.of_sensors(model.sensors)
    for expected, end in zip(model.each_expected(frame, ends), ends.tolist(), strict=True):
        if end >= SETTLED:
            correction.learn(steps_before + end - SETTLED, frame.speeds_kmh[end - SETTLED])
        yield expected, correction.told(expected, steps_before + end)


@dataclass(frozen=True)
class _Made:
    """What was told at one step: [sensors, HORIZONS, …] each."""

    model: Floats
    terms: Floats
    own: Floats
    to_last: Floats
    told: Floats

    def at(self, horizon: int) -> tuple[Floats, ...]:
        return tuple(one[:, horizon] for one in (self.model, self.terms, self.own, self.to_last, self.told))


class _Regression:
    """Of what forecasts were off on `terms` of each, by group and horizon: one group a sensor, or one in all."""

    def __init__(self, groups: int, terms: int, halved_after: int, ridge: float) -> None:
        self._fades = 0.5 ** (1 / halved_after)
        self._ridge = np.eye(terms) * ridge
        self._gram = np.zeros((groups, HORIZONS, terms, terms))
        self._moment = np.zeros((groups, HORIZONS, terms))
        self._shares = np.zeros((groups, HORIZONS, terms), np.float32)

    def said(self, terms: Floats) -> Floats:
        """To add to the forecasts that have these terms, [sensors, HORIZONS, terms]."""
        found: Floats = (terms * self._shares).sum(-1)
        return found

    def learn(self, horizons: list[int], terms: Floats, off: Floats) -> None:
        """`off` is [sensors, horizons], NaN where nothing is known. An error counts by its size: its square is
        divided by it, as in iteratively reweighted least squares."""
        known: npt.NDArray[np.bool_] = np.isfinite(off)
        off = np.where(known, off, 0)
        left = np.abs(off - (terms * self._shares[:, horizons]).sum(-1))
        weighed = terms * (known / np.maximum(left, _LEAST_ERROR_KMH))[..., None]
        gram, moment = weighed[..., :, None] * terms[..., None, :], weighed * off[..., None]
        if len(self._gram) == 1:
            gram, moment = gram.sum(0, keepdims=True), moment.sum(0, keepdims=True)
            known = np.asarray(known.any(0, keepdims=True))
        fades = np.where(known, self._fades, 1)[..., None]
        self._gram[:, horizons] = self._gram[:, horizons] * fades[..., None] + gram
        self._moment[:, horizons] = self._moment[:, horizons] * fades + moment
        found = np.linalg.solve(self._gram[:, horizons] + self._ridge, self._moment[:, horizons][..., None])[..., 0]
        self._shares[:, horizons] = np.clip(found, -_MOST, _MOST)
