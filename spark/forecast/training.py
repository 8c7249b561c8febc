"""Trains a model: what is usual and who is whose neighbour first, then networks, then how wide intervals must be.

The width comes from a part that was kept apart from the first networks; those that are kept learn from that part
too. Each core trains a network of its own. The same frame and seed give the same model.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from threading import Event
from typing import Final

import numpy as np

from spark.forecast import network
from spark.forecast.cores import cores, one_core_each
from spark.forecast.features import OF_USUAL, ahead_of, look, neighbours_of
from spark.forecast.frame import STEP_S, STEPS_A_DAY, Bools, Conditions, Frame
from spark.forecast.model import LOWER, UPPER, Model
from spark.forecast.network import Network, Rows
from spark.forecast.usual import Usual, lately, measured_days, without_own_week
from spark.forecast.window import COVERAGE, HORIZONS, Floats
from urbanclear.errors import ConfigurationError

ROWS: Final = 600_000
"""Of hours × sensors that are learned from, drawn at random where there are more."""
NETWORKS: Final = 6
FIRST: Final = 2
"""Networks that learn without what is kept apart: more than one, since the mean of some is what is told later."""
APART: Final = 8
"""One in so many days, the newest, is kept apart where no part is given for it."""
LEAST_DAYS: Final = 3
WITHOUT_USUAL: Final = 0.05
"""Of the rows that are learned from without knowing what is usual, since one day it will not be."""

Say = Callable[[str, float], None]
"""Told what is being done, and how much of all is done, 0 to 1."""


def train(
    frame: Frame,
    apart: Frame | None,
    name: str,
    seed: int,
    time_zone: str,
    region: str | None,
    say: Say,
    batches: int | None = None,
    near: Bools | None = None,
) -> Model:
    """From `frame`, with `apart`, which comes after it, kept apart for the intervals.

    `near` says which sensors of `frame` are near one another on the roads, [sensors, sensors], where that is known.
    `batches` is how long each network is trained, by default `network.BATCHES`. Raises `ConfigurationError` where
    there is too little to learn from.
    """
    if apart is None:
        newest = max(1, len(frame) // STEPS_A_DAY // APART) * STEPS_A_DAY
        frame, apart = frame.cut(0, len(frame) - newest), frame.cut(len(frame) - newest, len(frame))
    if len(frame) < LEAST_DAYS * STEPS_A_DAY:
        days = len(frame) / STEPS_A_DAY
        raise ConfigurationError(f"{days:.1f} days are too few to learn from: give at least {LEAST_DAYS + 1}.")
    count, batches = FIRST + NETWORKS, batches or network.BATCHES

    def learned(of: Frame, numbers: range) -> Model:
        say("Looking at what is usual", numbers.start / count)
        usual = Usual.of(of)
        neighbours = neighbours_of(of, usual, near)
        learned_from = samples(of, neighbours, seed)

        def done(share: float) -> None:
            doing = f"Training networks {numbers.start + 1} to {numbers.stop} of {count}"
            say(doing, (numbers.start + share * len(numbers)) / count)

        seeds = [seed * count + number for number in numbers]
        networks = _networks(learned_from, len(of.sensors), seeds, batches, done)
        widen = np.zeros(HORIZONS, np.float32)
        return Model(name, of.sensors, usual, neighbours, networks, widen, time_zone, region)

    widen_kmh = widening(learned(frame, range(FIRST)), apart)
    whole = learned(joined([frame, apart]), range(FIRST, count))
    say("Done", 1)
    return Model(name, whole.sensors, whole.usual, whole.neighbours, whole.networks, widen_kmh, time_zone, region)


def samples(frame: Frame, neighbours: np.ndarray, seed: int) -> Rows:
    """`ROWS` at most. What is usual is of other weeks than each row's own; newer days count for more."""
    ends, random = frame.ends, np.random.default_rng(seed)
    hours = max(1, ROWS // max(len(frame.sensors), 1))
    if len(ends) > hours:
        ends = np.sort(random.choice(ends, hours, replace=False))
    days = measured_days(frame)
    parts = []
    for own, usual in without_own_week(frame):
        part = np.intersect1d(own, ends)
        if not len(part):
            continue
        looked, then = look(frame, part, usual, neighbours), ahead_of(frame, part)
        use = looked.measured & np.isfinite(then).any(1)
        weight = np.repeat(lately(days[part], days[-1]).astype(np.float32), len(frame.sensors))
        rows = (looked.seen, looked.sensor, then - looked.last[:, None], weight)
        parts.append([column[use] for column in rows])
    if not sum(len(part[0]) for part in parts):
        raise ConfigurationError("No hour was measured with an hour after it: choose days with readings.")
    seen, sensor, ahead, weight = map(np.concatenate, zip(*parts, strict=True))
    seen[random.random(len(seen)) < WITHOUT_USUAL, OF_USUAL] = np.nan
    return Rows(seen, sensor, ahead, weight / weight.mean())


def _networks(
    rows: Rows, sensors: int, seeds: Sequence[int], batches: int, done: Callable[[float], None]
) -> tuple[Network, ...]:
    """One of each seed, as many at once as there are cores; all end when one fails or they are not waited for."""
    shares, stopped = dict.fromkeys(seeds, 0.0), Event()

    def one(seed: int) -> Network:
        def note(share: float) -> None:
            if stopped.is_set():
                raise CancelledError
            shares[seed] = share
            done(sum(shares.values()) / len(seeds))

        return network.train_network(rows, sensors, seed, batches, note)

    with one_core_each(), ThreadPoolExecutor(cores()) as pool:
        try:
            return tuple(pool.map(one, seeds))
        finally:
            stopped.set()


def widening(model: Model, apart: Frame) -> Floats:
    """How far both ends of the interval have to be moved out, by horizon, km/h."""
    told = model.foretell(apart, apart.ends)
    then = ahead_of(apart.of_sensors(model.sensors), apart.ends).reshape(told.shape[:3])
    missed = np.maximum(told[..., LOWER] - then, then - told[..., UPPER]).reshape(-1, HORIZONS)
    widen = np.zeros(HORIZONS, np.float32)
    for horizon in range(HORIZONS):
        known = missed[np.isfinite(missed[:, horizon]), horizon]
        if len(known):
            share = min(1.0, np.ceil((len(known) + 1) * COVERAGE) / len(known))
            widen[horizon] = np.quantile(known, share)
    return widen


def joined(frames: list[Frame]) -> Frame:
    """One after the other, NaN between; all their sensors."""
    first, last = min(frame.clock_s for frame in frames), max(frame.clock_s + len(frame) * STEP_S for frame in frames)
    sensors = tuple(dict.fromkeys(sensor for frame in frames for sensor in frame.sensors))
    speeds = np.full(((last - first) // STEP_S, len(sensors)), np.nan, np.float32)
    known = Conditions.unknown(*speeds.shape)
    for frame in frames:
        own = frame.of_sensors(sensors)
        start = (frame.clock_s - first) // STEP_S
        for whole, part in (
            (speeds, own.speeds_kmh),
            (known.rain_mm, own.conditions.rain_mm),
            (known.lanes_blocked, own.conditions.lanes_blocked),
        ):
            before = whole[start : start + len(frame)]
            before[:] = np.where(np.isfinite(part), part, before)
    return Frame(first, sensors, speeds, frozenset().union(*(frame.holidays for frame in frames)), known)
