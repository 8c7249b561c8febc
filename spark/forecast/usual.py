"""What is usual: quantiles of each sensor's speeds by weekday and quarter of an hour.

Readings weigh the more the nearer they are: in time of day, by the kind of day, and in days, since cities change.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from spark.calendar import QUARTER, QUARTERS
from spark.forecast.frame import DAY_S, Frame, Ints
from spark.forecast.window import Floats

SLOTS: Final = len(QUARTERS)
SPREAD: Final = (0.05, 0.25, 0.75, 0.95)
_SHARES: Final = (0.5, *SPREAD)
_NEAR: Final = ((0, 1.0), (-1, 0.5), (1, 0.5))
"""Quarters of an hour before and behind, and what they weigh."""
_KINDS: Final = np.array([0, 0, 0, 0, 0, 1, 2])  # working days, Saturdays, Sundays
_OTHER_WEEKDAY: Final = 0.1
_OTHER_KIND: Final = 1e-4  # where there is nothing else
HALF_LIFE_DAYS: Final = 30.0
_WEEK_S: Final = 7 * DAY_S


@dataclass(frozen=True)
class Usual:
    """`speeds` is [7 · SLOTS, sensors, the median and the quantiles of SPREAD], km/h, NaN for a sensor that was never
    seen."""

    speeds: Floats

    @classmethod
    def of(cls, frame: Frame, steps: Ints | None = None, day: float | None = None) -> "Usual":
        """From all of `frame`, or from `steps` alone, as it is on the `day`th of its days, by default the last."""
        steps = np.arange(len(frame)) if steps is None else steps
        speeds, slots, weekdays = frame.speeds_kmh[steps], frame.minutes(steps) // QUARTER, frame.weekdays(steps)
        days = measured_days(frame)
        weight = lately(days[steps], days[-1] if day is None else day)
        own = weight * np.where(_KINDS[weekdays] == _KINDS[np.arange(7)[:, None]], _OTHER_WEEKDAY, _OTHER_KIND)
        own = np.where(weekdays == np.arange(7)[:, None], weight, own)
        found = np.empty((7, SLOTS, len(frame.sensors), len(_SHARES)), np.float32)
        for slot in range(SLOTS):
            rows = [np.flatnonzero(slots == (slot + off) % SLOTS) for off, _ in _NEAR]
            near = np.repeat([share for _, share in _NEAR], [len(some) for some in rows])
            at = np.concatenate(rows)
            found[:, slot] = weighted_quantiles(speeds[at], own[:, at] * near, _SHARES)
        overall = weighted_quantiles(speeds, np.ones((1, len(steps))), _SHARES)
        return cls(np.where(np.isfinite(found), found, overall).reshape(7 * SLOTS, -1, len(_SHARES)))

    def median(self, frame: Frame, steps: Ints) -> Floats:
        """[*steps, sensors]."""
        found: Floats = self.speeds[_rows(frame, steps), :, 0]
        return found

    def quantiles(self, frame: Frame, steps: Ints) -> Floats:
        """[*steps, sensors, quantiles of SPREAD]."""
        found: Floats = self.speeds[_rows(frame, steps), :, 1:]
        return found


def without_own_week(frame: Frame) -> Iterator[tuple[Ints, Usual]]:
    """The steps of each week with what is usual in all others, so that a model learns how far it is to be trusted
    for days that were not in it. With a single week, its days are left out one by one."""
    seconds, days = frame.seconds(np.arange(len(frame))), measured_days(frame)
    length = _WEEK_S if len(np.unique(seconds // _WEEK_S)) > 1 else DAY_S
    part = seconds // length
    for number in np.unique(part[np.isfinite(frame.speeds_kmh).any(1)]):
        own = np.flatnonzero(part == number)
        others = np.flatnonzero(part != number)
        yield own, Usual.of(frame, others if len(others) else own, float(days[own].mean()))


def _rows(frame: Frame, steps: Ints) -> Ints:
    found: Ints = frame.weekdays(steps) * SLOTS + frame.minutes(steps) // QUARTER
    return found


def measured_days(frame: Frame) -> Ints:
    """Of each step, on which of the days it is on which anything was measured: those of an outage do not count."""
    days = frame.seconds(np.arange(len(frame))) // DAY_S
    numbers, at = np.unique(days, return_inverse=True)
    measured = np.zeros(len(numbers), bool)
    measured[at[np.isfinite(frame.speeds_kmh).any(1)]] = True
    found: Ints = np.cumsum(measured)[at]
    return found


def lately(days: Ints, day: float) -> np.ndarray:
    """What readings of `days` weigh on `day`: half as much `HALF_LIFE_DAYS` away."""
    found: np.ndarray = np.exp2(-np.abs(days - day) / HALF_LIFE_DAYS)
    return found


def weighted_quantiles(values: Floats, weights: np.ndarray, shares: tuple[float, ...]) -> Floats:
    """[weightings, columns, shares] of `values` [rows, columns] without NaNs, for each of the `weights` [weightings,
    rows], interpolated linearly between the middles of weights; NaN for empty columns."""
    if not len(values):
        return np.full((len(weights), values.shape[1], len(shares)), np.nan, np.float32)
    order = np.argsort(values, axis=0)  # NaN goes last
    ordered = np.take_along_axis(values, order, 0)
    known = np.isfinite(ordered)
    last = np.maximum(known.sum(0) - 1, 0)
    found = np.empty((len(weights), values.shape[1], len(shares)), np.float32)
    for number, weight in enumerate(weights):
        own = np.where(known, weight.astype(np.float32)[order], 0)
        reached = np.cumsum(own, axis=0)
        middle = (reached - own / 2) / np.maximum(reached[-1], 1e-30)
        for of, share in enumerate(shares):
            above = np.minimum((middle < share).sum(0), last)
            below = np.maximum(above - 1, 0)
            (low, high), (start, end) = (
                [np.take_along_axis(table, at[None], 0)[0] for at in (below, above)] for table in (ordered, middle)
            )
            part = np.clip((share - start) / np.maximum(end - start, 1e-12), 0, 1)
            found[number, :, of] = low + (high - low) * np.where(end > start, part, 1)
    return found
