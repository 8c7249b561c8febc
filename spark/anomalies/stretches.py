"""Stretches of one sensor's 5 minutes that are not as they normally are.

    speed_drop, speed_rise   far below or above the normal band, in robust standard deviations
    unlike_neighbours        far from normal for hours, while the sensors before and after it are as they normally are
    level_shift              from some day on another speed than before
    stuck                    it repeated itself, as its readings were flagged
    silent                   it said nothing, while most others did

Thresholds are those of robust control charts: 3.5 deviations are what Iglewicz and Hoaglin ("How to Detect and Handle
Outliers", 1993) call an outlier.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from spark.calendar import STEP_S

BEGINS: Final = 3.5  # robust standard deviations from normal
ENDS: Final = 2.0
LEAST_STEPS: Final = 2  # that a stretch lasts
LEAST_CHANGE: Final = 0.2  # of the normal speed
ALONE: Final = 1.5  # deviations within which neighbours are as they normally are
ALONE_STEPS: Final = 24
SHIFT: Final = 4.0  # deviations of a sensor's daily medians
SHIFT_CHANGE: Final = 0.1
SHIFT_DAYS: Final = 3  # on either side
SILENT_STEPS: Final = 6
MOST_SILENT: Final = 0.5  # share of sensors; where fewer report, it is the feed that is silent


@dataclass(frozen=True)
class Stretch:
    """From `start` until just before `end`, both epochs in s; `end` is None while it lasts."""

    kind: str
    start: int
    end: int | None
    score: float
    expected: float | None = None
    observed: float | None = None


def deviations(speeds: np.ndarray, expected: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """How far from normal, in robust standard deviations; NaN where there is no speed or nothing is known."""
    found: np.ndarray = (speeds - expected) / spread
    return found


def off_normal(epochs: np.ndarray, speeds: np.ndarray, expected: np.ndarray, z: np.ndarray) -> list[Stretch]:
    """Drops and rises: begun beyond `BEGINS`, over when within `ENDS`."""
    found = []
    changed = np.abs(speeds - expected) >= LEAST_CHANGE * expected
    for kind, sign in (("speed_drop", -1), ("speed_rise", 1)):
        begins = (sign * z >= BEGINS) & changed
        for first, last in _held(begins, sign * z >= ENDS, epochs):
            worst = first + int(np.nanargmax(sign * z[first : last + 1]))
            score, observed = float(sign * z[worst]), float(speeds[worst])
            found.append(Stretch(kind, *_times(epochs, first, last), score, float(expected[worst]), observed))
    return found


def unlike(
    epochs: np.ndarray, speeds: np.ndarray, expected: np.ndarray, z: np.ndarray, others: np.ndarray
) -> list[Stretch]:
    """Where the sensor is far off and its neighbours' deviations (NaN where they are not known) are not."""
    alone = (np.abs(z) >= BEGINS) & (np.abs(others) <= ALONE)
    found = []
    for first, last in _held(alone, alone, epochs):
        if last - first + 1 >= ALONE_STEPS:
            part = slice(first, last + 1)
            score = float(np.median(np.abs(z[part])))
            normal, observed = float(np.median(expected[part])), float(np.median(speeds[part]))
            found.append(Stretch("unlike_neighbours", *_times(epochs, first, last), score, normal, observed))
    return found


def level_shift(epochs: np.ndarray, speeds: np.ndarray, days: np.ndarray, kinds: np.ndarray) -> list[Stretch]:
    """The one day, if there is any, from which on the daily medians lie clearly apart from those before.

    `kinds` has the kind of each day: a day counts by how far it is from the usual one of its kind, so that a week
    that ends in a holiday and a weekend is no change.
    """
    known = ~np.isnan(speeds)
    numbers = np.unique(days[known])
    if len(numbers) < 2 * SHIFT_DAYS:
        return []
    medians = _alike(np.array([np.median(speeds[known & (days == day)]) for day in numbers]), kinds[numbers])
    places = range(SHIFT_DAYS, len(numbers) - SHIFT_DAYS + 1)
    place = min(places, key=lambda place: float(np.abs(_about(medians, place)).sum()))
    before, after = float(np.median(medians[:place])), float(np.median(medians[place:]))
    rest = _about(medians, place)
    spread = max(1.4826 * float(np.median(np.abs(rest))), 0.02 * before)
    score = abs(after - before) / spread if spread > 0 else 0.0
    if score < SHIFT or abs(after - before) < SHIFT_CHANGE * before:
        return []
    return [Stretch("level_shift", int(epochs[days == numbers[place]][0]), None, score, before, after)]


def _alike(medians: np.ndarray, kinds: np.ndarray) -> np.ndarray:
    """Each by how far it is from that of its kind of day, about the median of all."""
    usual = np.array([np.median(medians[kinds == kind]) for kind in kinds])
    found: np.ndarray = medians - usual + np.median(medians)
    return found


def _about(medians: np.ndarray, place: int) -> np.ndarray:
    """What is left of them when each side's own median is taken away."""
    return np.concatenate([side - np.median(side) for side in (medians[:place], medians[place:])])


def stuck(epochs: np.ndarray, flags: np.ndarray) -> list[Stretch]:
    """Where its readings were flagged as repeating themselves; the score is in hours."""
    found = []
    for first, last in _held(flags > 0, flags > 0, epochs):
        start, end = _times(epochs, first, last)
        found.append(Stretch("stuck", start, end, (last - first + 1) * STEP_S / 3600))
    return found


def silent(epochs: np.ndarray, reporting: np.ndarray, first_epoch: int, last_epoch: int) -> list[Stretch]:
    """Where it said nothing for far longer than it usually does; the score is in hours.

    `reporting` is, for each 5 minutes from `first_epoch` on, the share of all sensors that did.
    """
    least = max(SILENT_STEPS * STEP_S, 4 * usual_step(epochs))
    edges = np.concatenate([epochs, [last_epoch + STEP_S]])
    found = []
    for at in np.flatnonzero(np.diff(edges) > least):
        before, after = edges[at : at + 2]
        others = reporting[(before - first_epoch) // STEP_S + 1 : (after - first_epoch) // STEP_S]
        quiet = STEP_S * float((others >= MOST_SILENT).sum())
        if quiet >= least:
            lasts = after == edges[-1]
            found.append(Stretch("silent", int(before) + STEP_S, None if lasts else int(after), quiet / 3600))
    return found


def usual_step(epochs: np.ndarray) -> float:
    """Seconds from one to the next, as a rule."""
    return max(float(np.median(np.diff(epochs))), STEP_S) if len(epochs) > 1 else STEP_S


def _held(begins: np.ndarray, holds: np.ndarray, epochs: np.ndarray) -> list[tuple[int, int]]:
    """First and last place of the stretches in which `holds` is true throughout and `begins` at least once.

    A single 5 minutes that do not hold, or are not there, do not end one; two do.
    """
    places = np.flatnonzero(holds)
    if not len(places):
        return []
    gaps = np.flatnonzero(np.diff(epochs[places]) > 2 * usual_step(epochs)) + 1
    stretches = np.split(places, gaps)
    return [(int(one[0]), int(one[-1])) for one in stretches if begins[one].sum() >= LEAST_STEPS]


def _times(epochs: np.ndarray, first: int, last: int) -> tuple[int, int | None]:
    """Its start and its end, None where it holds up to the newest there is."""
    return int(epochs[first]), None if last == len(epochs) - 1 else int(epochs[last]) + STEP_S
