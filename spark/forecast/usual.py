"""What is usual: each sensor's speed by weekday and quarter of an hour, and how far it spreads by kind of day."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from spark.calendar import QUARTER, QUARTERS
from spark.forecast.frame import DAY_S, STEP_S, Frame, Ints
from spark.forecast.window import Floats

SLOTS: Final = len(QUARTERS)
SPREAD: Final = (0.05, 0.25, 0.75, 0.95)
_DAYS_OF_KIND: Final = ((0, 1, 2, 3, 4), (5,), (6,))  # working days, Saturdays, Sundays
_KINDS: Final = np.array([0, 0, 0, 0, 0, 1, 2])
_WEEK_S: Final = 7 * DAY_S
_TRUSTED_WEEKS: Final = 2.0
"""How many weeks it takes until one weekday's median weighs as much as that of its kind of day."""


@dataclass(frozen=True)
class Usual:
    """`medians` is [7 · SLOTS, sensors]; `spread` is [3 · SLOTS, sensors, quantiles of SPREAD]; km/h, NaN for a
    sensor that was never seen."""

    medians: Floats
    spread: Floats

    @classmethod
    def of(cls, frame: Frame, steps: Ints | None = None) -> "Usual":
        """From all of `frame`, or from `steps` alone."""
        steps = np.arange(len(frame)) if steps is None else steps
        speeds, slots, weekdays = frame.speeds_kmh[steps], frame.minutes(steps) // QUARTER, frame.weekdays(steps)
        overall = quantiles(speeds, (0.5, *SPREAD))
        medians = np.empty((7, SLOTS, len(frame.sensors)), np.float32)
        spread = np.empty((3, SLOTS, len(frame.sensors), len(SPREAD)), np.float32)
        for slot in range(SLOTS):
            here = slots == slot
            of_slot, days = speeds[here], weekdays[here]
            any_day = _or(quantiles(of_slot, (0.5, *SPREAD)), overall)
            for kind in range(3):
                of_kind = _or(quantiles(of_slot[_KINDS[days] == kind], (0.5, *SPREAD)), any_day)
                spread[kind, slot] = of_kind[1:].T
                for day in _DAYS_OF_KIND[kind]:
                    own = of_slot[days == day]
                    weeks = np.isfinite(own).sum(0) * (STEP_S / 60 / QUARTER)
                    share = weeks / (weeks + _TRUSTED_WEEKS)
                    median = _or(quantiles(own, (0.5,)), of_kind[:1])[0]
                    medians[day, slot] = share * median + (1 - share) * of_kind[0]
        return cls(medians.reshape(7 * SLOTS, -1), spread.reshape(3 * SLOTS, len(frame.sensors), len(SPREAD)))

    def median(self, frame: Frame, steps: Ints) -> Floats:
        """[*steps, sensors]."""
        found: Floats = self.medians[frame.weekdays(steps) * SLOTS + frame.minutes(steps) // QUARTER]
        return found

    def quantiles(self, frame: Frame, steps: Ints) -> Floats:
        """[*steps, sensors, quantiles]."""
        found: Floats = self.spread[_KINDS[frame.weekdays(steps)] * SLOTS + frame.minutes(steps) // QUARTER]
        return found


def without_own_week(frame: Frame) -> Iterator[tuple[Ints, Usual]]:
    """The steps of each week with what is usual in all others, so that a model learns how far it is to be trusted
    for days that were not in it. With a single week, its days are left out one by one."""
    seconds = frame.seconds(np.arange(len(frame)))
    length = _WEEK_S if len(np.unique(seconds // _WEEK_S)) > 1 else DAY_S
    part = seconds // length
    for number in np.unique(part):
        own = np.flatnonzero(part == number)
        others = np.flatnonzero(part != number)
        yield own, Usual.of(frame, others if len(others) else own)


def quantiles(values: Floats, shares: tuple[float, ...]) -> Floats:
    """[shares, columns] of `values` [rows, columns] without NaNs, interpolated linearly; NaN for empty columns."""
    if not len(values):
        return np.full((len(shares), values.shape[1]), np.nan, np.float32)
    ordered = np.sort(values, axis=0)  # NaN goes last
    count = np.isfinite(values).sum(0)
    found = np.empty((len(shares), values.shape[1]), np.float32)
    for number, share in enumerate(shares):
        at = np.maximum(share * (count - 1), 0)
        below = np.floor(at).astype(int)
        above = np.minimum(below + 1, np.maximum(count - 1, 0))
        low = np.take_along_axis(ordered, below[None], 0)[0]
        high = np.take_along_axis(ordered, above[None], 0)[0]
        found[number] = low + (high - low) * (at - below)
    return found


def _or(values: Floats, other: Floats) -> Floats:
    filled: Floats = np.where(np.isfinite(values), values, other)
    return filled
