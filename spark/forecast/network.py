"""A small neural network that foretells all horizons at once: three layers, trained on the pinball loss.

The loss of a quantile q for an error e = actual − told is max(q·e, (q − 1)·e) (Koenker and Bassett 1978). A sensor
has weights of its own in the first layer, as in STID (Shao et al., CIKM 2022), which most rows are learned from
without: what is peculiar to a sensor is not what outlasts the year. Adam (Kingma and Ba 2015) with a rate
that falls as a cosine, dropout, and the average of the weights over the last steps.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from spark.forecast.window import HORIZONS, Floats

Ints = npt.NDArray[np.int64]

QUANTILES: Final = (0.05, 0.5, 0.95)
_WEIGHT: Final = np.repeat(np.array([0.5, 1.0, 0.5], np.float32), HORIZONS)
_SHARES: Final = np.repeat(np.array(QUANTILES, np.float32), HORIZONS)
_WIDTH: Final = 256
_BATCH: Final = 256
"""Small: many small steps led nearer than a quarter as many over as many rows."""
BATCHES: Final = 6_000
"""That each network is trained on."""
_RATE: Final = 2e-3
_SAID_EACH: Final = 50
_CONSTANT: Final = 1e-6
_DROPPED: Final = 0.1
_OWN_DROPPED: Final = 0.6
_AVERAGED: Final = 0.999
_BETA: Final = (0.9, 0.999)


@dataclass(frozen=True)
class Network:
    """Weights of the layers, and how features are scaled; `named` is [sensors, width]."""

    centre: Floats
    scale: Floats
    spread_kmh: float
    weights: tuple[Floats, ...]
    named: Floats

    def predict(self, seen: Floats, sensor: Ints) -> Floats:
        """[rows, HORIZONS, quantiles] of speeds less the last one, km/h."""
        first, first_bias, second, second_bias, third, third_bias = self.weights
        hidden = _relu(scaled(seen, self.centre, self.scale) @ first + first_bias + self.named[sensor])
        hidden = _relu(hidden @ second + second_bias) + hidden
        told = (hidden @ third + third_bias) * self.spread_kmh
        return np.sort(told.reshape(len(seen), len(QUANTILES), HORIZONS), axis=1).swapaxes(1, 2)


def scaled(seen: Floats, centre: Floats, scale: Floats) -> Floats:
    found: Floats = np.clip(np.nan_to_num((seen - centre) / scale), -5, 5)
    return found


@dataclass(frozen=True)
class Rows:
    """What is learned from: `seen` is [rows, features], NaN where not known; `sensor` the number of each row's;
    `ahead` [rows, HORIZONS] the speeds less the last one, km/h, NaN where none was measured; `weight` what the rows
    count, 1 on average."""

    seen: Floats
    sensor: Ints
    ahead: Floats
    weight: Floats


def train_network(rows: Rows, sensors: int, seed: int, batches: int, done: Callable[[float], None]) -> Network:
    """`done` is told the share that is done, again and again."""
    random = np.random.default_rng(seed)
    centre, scale = _scales(rows.seen)
    spread = float(np.nanstd(rows.ahead)) or 1.0
    inputs, targets = scaled(rows.seen, centre, scale), (rows.ahead / spread).astype(np.float32)
    weights = [
        *_layer(random, inputs.shape[1], _WIDTH),
        *_layer(random, _WIDTH, _WIDTH),
        *_layer(random, _WIDTH, HORIZONS * len(QUANTILES)),
        np.zeros((sensors, _WIDTH), np.float32),
    ]
    adam = _Adam(weights)
    for number, at in enumerate(_batches(len(inputs), batches, random)):
        some = Rows(inputs[at], rows.sensor[at], targets[at], rows.weight[at])
        slopes = gradients(weights, some, random)
        adam.step(slopes, _RATE * 0.5 * (1 + np.cos(np.pi * number / batches)))
        if number % _SAID_EACH == 0:
            done(number / batches)
    *layers, named = adam.average
    return Network(centre, scale, spread, tuple(layers), named)


def _scales(seen: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation of each column. One that told nothing while it was learned tells nothing later: its
    weights were never learned."""
    known = np.isfinite(seen)
    count = np.maximum(known.sum(0), 1)
    centre = np.where(known, seen, 0).sum(0, dtype=np.float64) / count
    scale = np.sqrt((np.where(known, seen - centre, 0) ** 2).sum(0, dtype=np.float64) / count)
    scale[scale < _CONSTANT] = np.inf
    return centre.astype(np.float32), scale.astype(np.float32)


def _batches(rows: int, left: int, random: np.random.Generator) -> Iterator[Ints]:
    """All rows in another order each time, some at a time, until there were enough."""
    size = min(_BATCH, rows)
    while left:
        order = random.permutation(rows)
        for start in range(0, rows - size + 1, size)[:left]:
            left -= 1
            yield np.sort(order[start : start + size])


def _layer(random: np.random.Generator, inputs: int, outputs: int) -> tuple[Floats, Floats]:
    """He et al. 2015."""
    return (
        (random.standard_normal((inputs, outputs)) * np.sqrt(2 / inputs)).astype(np.float32),
        np.zeros(outputs, np.float32),
    )


def _relu(values: Floats) -> Floats:
    return np.maximum(values, 0)


def gradients(
    weights: list[Floats],
    rows: Rows,
    random: np.random.Generator,
    dropped: float = _DROPPED,
    own_dropped: float = _OWN_DROPPED,
) -> list[Floats]:
    """Of the loss of `rows`, whose features are scaled, with respect to each of the weights; some of what lies
    between is left out at random, and of some rows what is their sensor's own."""
    first, first_bias, second, second_bias, third, third_bias, own = weights
    keep = np.float32(1 / (1 - dropped))
    knows = (random.random((len(rows.seen), 1), np.float32) >= own_dropped).astype(np.float32)
    one = _relu(rows.seen @ first + first_bias + own[rows.sensor] * knows)
    one_kept = one * np.where(random.random(one.shape, np.float32) >= dropped, keep, np.float32(0))
    two = _relu(one_kept @ second + second_bias)
    mask = np.where(random.random(two.shape, np.float32) >= dropped, keep, np.float32(0))
    joined = two * mask + one_kept
    told = joined @ third + third_bias
    error = np.tile(rows.ahead, (1, len(QUANTILES))) - told
    slope = np.where(error > 0, -_SHARES, 1 - _SHARES)
    by_told = np.where(np.isfinite(error), slope, 0).astype(np.float32) * _WEIGHT
    by_told *= rows.weight[:, None] / np.float32(len(rows.seen))
    by_joined = by_told @ third.T
    by_two = by_joined * mask * (two > 0)
    by_one = (by_two @ second.T + by_joined) * (one_kept > 0) * keep
    by_own = np.zeros_like(own)
    np.add.at(by_own, rows.sensor, by_one * knows)
    return [
        rows.seen.T @ by_one,
        by_one.sum(0),
        one_kept.T @ by_two,
        by_two.sum(0),
        joined.T @ by_told,
        by_told.sum(0),
        by_own,
    ]


class _Adam:
    """Changes `weights` in place, and keeps their running average."""

    def __init__(self, weights: list[Floats]) -> None:
        self._weights = weights
        self._first = [np.zeros_like(weight) for weight in weights]
        self._second = [np.zeros_like(weight) for weight in weights]
        self.average = [weight.copy() for weight in weights]
        self._steps = 0

    def step(self, gradients: list[Floats], rate: float) -> None:
        self._steps += 1
        slow, fast = _BETA
        size = np.float32(rate * np.sqrt(1 - fast**self._steps) / (1 - slow**self._steps))
        kept = np.float32(min(_AVERAGED, self._steps / (self._steps + 10)))
        for number, gradient in enumerate(gradients):
            weight, first, second = self._weights[number], self._first[number], self._second[number]
            first += np.float32(1 - slow) * (gradient - first)
            second += np.float32(1 - fast) * (gradient * gradient - second)
            weight -= size * first / (np.sqrt(second) + np.float32(1e-8))
            self.average[number] += (1 - kept) * (weight - self.average[number])
