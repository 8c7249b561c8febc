"""What the models see of an hour: its speeds, what is usual then and in the hour ahead, its neighbours, its time, and
rain and incidents."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from spark.forecast.frame import Bools, Frame, Ints
from spark.forecast.usual import SPREAD, Usual
from spark.forecast.window import HORIZONS, STEPS_IN, Floats

NEIGHBOURS: Final = 8
NEAR_NEIGHBOURS: Final = 4
"""Of them, at most, those that are chosen among the near on the roads alone."""
_SLOW_KMH: Final = -10.0  # from usual
_ROUND_DAY: Final = 24 * 60 / (2 * np.pi)
_SPREAD_AT: Final = (0, 3, 6, 12)
_BEFORE_USUAL: Final = STEPS_IN - 1 + 5
OF_USUAL: Final = slice(_BEFORE_USUAL, _BEFORE_USUAL + 2 + HORIZONS + 1 + len(_SPREAD_AT) * len(SPREAD))
"""The features of a sensor that tell of what is usual for it."""


@dataclass(frozen=True)
class Look:
    """Rows of hours × sensors. `seen` is [rows, features], NaN for what is not known; `last` is what speeds are told
    from, km/h: the newest one in the hour, else what is usual; `sensor` is the column each row is of, `measured`
    whether anything was in the hour; `usual_ahead` is [rows, HORIZONS], km/h."""

    seen: Floats
    last: Floats
    sensor: Ints
    measured: Bools
    usual_ahead: Floats


def look(frame: Frame, ends: Ints, usual: Usual, neighbours: Ints) -> Look:
    """At the hours whose newest steps are `ends`, of all sensors. Rows are in the order of hours, then sensors.

    `neighbours` is [sensors, NEIGHBOURS], columns of other sensors, −1 for none.
    """
    past = ends[:, None] + np.arange(1 - STEPS_IN, 1)
    ahead = ends[:, None] + np.arange(HORIZONS + 1)
    raw = frame.speeds_kmh[past]  # hours, steps, sensors
    usual_past, usual_ahead = usual.median(frame, past), usual.median(frame, ahead)
    known = np.isfinite(raw)
    filled, age = _carried(raw)
    last = np.where(np.isfinite(filled[:, -1]), filled[:, -1], usual_ahead[:, 0])
    with np.errstate(invalid="ignore"):
        off_usual = filled - usual_past
        lags = filled - last[:, None]
    count = known.sum(1)
    mean = _mean(raw, known)
    deviation = np.sqrt(_mean((raw - mean[:, None]) ** 2, known))
    newest, older = _mean(off_usual[:, -3:]), _mean(off_usual[:, -6:-3])
    around = _around(newest, newest - older, neighbours)
    spread = usual.quantiles(frame, ahead[:, list(_SPREAD_AT)]) - last[:, None, :, None]
    columns = [
        *lags[:, :-1].swapaxes(0, 1),
        last,
        count.astype(np.float32),
        age,
        mean - last,
        deviation,
        newest,
        older,
        *(usual_ahead - last[:, None]).swapaxes(0, 1),
        *spread.transpose(1, 3, 0, 2).reshape(-1, *last.shape),
        *around,
        *_moment(frame, ends, last.shape),
        *_conditions(frame, ends, neighbours),
    ]
    seen = np.stack(columns, axis=-1).astype(np.float32).reshape(-1, len(columns))
    sensor = np.tile(np.arange(len(frame.sensors)), len(ends))
    then = usual_ahead[:, 1:].swapaxes(1, 2).reshape(-1, HORIZONS)
    return Look(seen, last.reshape(-1).astype(np.float32), sensor, count.reshape(-1) > 0, then)


def ahead_of(frame: Frame, ends: Ints) -> Floats:
    """What then was measured: [rows, HORIZONS], in the order of `look`."""
    found = frame.speeds_kmh[ends[:, None] + np.arange(1, HORIZONS + 1)]
    return np.ascontiguousarray(found.swapaxes(1, 2).reshape(-1, HORIZONS))


def neighbours_of(frame: Frame, usual: Usual, near: Bools | None = None) -> Ints:
    """For each sensor the others whose deviation from what is usual tells most of its own half an hour later: columns
    as [sensors, NEIGHBOURS], −1 for none.

    By the absolute partial correlation given its own deviation, so that one that only repeats what it shows itself
    comes last. With `near` [sensors, sensors], the best `NEAR_NEIGHBOURS` of those that are come first, then the best
    of all others.
    """
    steps = np.arange(len(frame))
    off = np.nan_to_num(frame.speeds_kmh - usual.median(frame, steps))
    lead = HORIZONS // 2
    now, then = off[:-lead], off[lead:]
    scale = now.std(0) * then.std(0)[:, None] * max(len(now), 1) + 1e-9
    centred_then = then - then.mean(0)
    centred_now = now - now.mean(0)
    later = centred_then.T @ centred_now / scale  # of row's sensor later with column's now
    together = centred_now.T @ centred_now / (now.std(0) * now.std(0)[:, None] * max(len(now), 1) + 1e-9)
    own = np.diag(later)[:, None]
    partial = (later - own * together) / np.sqrt(np.maximum((1 - own**2) * (1 - together**2), 1e-6))
    strength = np.abs(partial)
    np.fill_diagonal(strength, -1)
    best = np.argsort(-strength, axis=1)[:, :-1]  # the last is the sensor itself
    if near is not None:
        is_near = np.take_along_axis(near, best, 1)
        first = is_near & (is_near.cumsum(1) <= NEAR_NEIGHBOURS)
        best = np.take_along_axis(best, np.argsort(~first, axis=1, kind="stable"), 1)
    found = np.full((len(frame.sensors), NEIGHBOURS), -1)
    found[:, : best.shape[1]] = best[:, :NEIGHBOURS]
    return found


def _carried(raw: Floats) -> tuple[Floats, Floats]:
    """`raw` with the last known speed in each gap, before all the first known; and the newest one's age, steps."""
    filled = raw.copy()
    age = np.full(raw[:, 0].shape, np.nan, np.float32)
    for step in range(raw.shape[1]):
        is_known = np.isfinite(raw[:, step])
        age = np.where(is_known, 0, age + 1)
        if step:
            filled[:, step] = np.where(is_known, raw[:, step], filled[:, step - 1])
    for step in range(raw.shape[1] - 2, -1, -1):
        filled[:, step] = np.where(np.isfinite(filled[:, step]), filled[:, step], filled[:, step + 1])
    return filled, age


def _mean(values: Floats, known: Bools | None = None) -> Floats:
    known = np.isfinite(values) if known is None else known
    count = known.sum(1)
    total = np.where(known, values, 0).sum(1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)


def _around(newest: Floats, change: Floats, neighbours: Ints) -> list[Floats]:
    """Of the neighbours and of the whole network: how far from usual, and where to."""
    nobody = np.full((len(newest), 1), np.nan, np.float32)  # in the last column, which −1 means
    off, moving = (np.concatenate([values, nobody], 1)[:, neighbours] for values in (newest, change))
    network = _mean(newest)[:, None]
    slow = _mean(np.where(np.isfinite(newest), (newest < _SLOW_KMH).astype(np.float32), np.nan))[:, None]
    return [
        *np.moveaxis(off, 2, 0),
        *np.moveaxis(moving, 2, 0),
        np.broadcast_to(network, newest.shape),
        np.broadcast_to(slow, newest.shape),
    ]


def _conditions(frame: Frame, ends: Ints, neighbours: Ints) -> list[Floats]:
    """Rain, and lanes blocked here and at the neighbour with most."""
    known = frame.conditions
    lanes = known.lanes_blocked[ends]
    rain = np.broadcast_to(np.log1p(known.rain_mm[ends])[:, None], lanes.shape)
    nobody = np.full((len(lanes), 1), np.nan, np.float32)
    return [rain, lanes, np.fmax.reduce(np.concatenate([lanes, nobody], 1)[:, neighbours], axis=2)]


def _moment(frame: Frame, ends: Ints, shape: tuple[int, ...]) -> list[Floats]:
    minutes, weekdays = frame.minutes(ends), frame.weekdays(ends)
    angle = minutes / _ROUND_DAY
    parts = [minutes, np.sin(angle), np.cos(angle), np.sin(2 * angle), np.cos(2 * angle), weekdays, weekdays >= 5]
    return [np.broadcast_to(np.asarray(part, np.float32)[:, None], shape) for part in parts]
