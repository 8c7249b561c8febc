"""The network learns by the slopes of its own loss."""

from typing import Any

import numpy as np

from spark.forecast import network
from spark.forecast.network import QUANTILES, Network, Rows, train_network
from spark.forecast.window import HORIZONS


def told(weights: Any, inputs: Any, named: Any) -> Any:
    first, first_bias, second, second_bias, third, third_bias, own = weights
    one = np.maximum(inputs @ first + first_bias + own[named], 0)
    return (np.maximum(one @ second + second_bias, 0) + one) @ third + third_bias


def test_slopes_are_those_of_the_pinball_loss() -> None:
    random = np.random.default_rng(3)
    width, outputs = 8, HORIZONS * len(QUANTILES)
    shapes = [(5, width), (width,), (width, width), (width,), (width, outputs), (outputs,), (3, width)]
    weights: Any = [random.normal(0, 0.5, shape) for shape in shapes]
    inputs: Any = random.normal(0, 1, (20, 5))
    named = random.integers(0, 3, 20)
    targets: Any = random.normal(0, 1, (20, HORIZONS))
    targets[random.random(targets.shape) < 0.2] = np.nan
    counts: Any = random.uniform(0.5, 1.5, 20)

    def loss() -> float:
        error = np.tile(targets, (1, len(QUANTILES))) - told(weights, inputs, named)
        share = np.repeat(QUANTILES, HORIZONS)
        pinball = np.where(error > 0, share * error, (share - 1) * error) * np.repeat([0.5, 1, 0.5], HORIZONS)
        return float(np.nansum(pinball * counts[:, None])) / len(inputs)

    rows: Any = Rows(inputs, named, targets, counts)
    slopes = network.gradients(weights, rows, random, dropped=0, own_dropped=0)
    for weight, slope in zip(weights, slopes, strict=True):
        for place in [tuple(random.integers(0, size) for size in weight.shape) for _ in range(5)]:
            kept = weight[place]
            weight[place] = kept + 1e-6
            above = loss()
            weight[place] = kept - 1e-6
            below = loss()
            weight[place] = kept
            np.testing.assert_allclose(slope[place], (above - below) / 2e-6, rtol=1e-3, atol=1e-6)


def test_it_learns_what_follows_from_what_is_seen_and_who_it_is() -> None:
    random = np.random.default_rng(0)
    seen = random.normal(0, 3, (4_000, 4)).astype(np.float32)
    seen[random.random(seen.shape) < 0.1] = np.nan
    sensor = random.integers(0, 2, 4_000)
    ahead = np.tile((np.nan_to_num(seen[:, :1]) + 10 * sensor[:, None]), (1, HORIZONS)).astype(np.float32)
    shares: list[float] = []
    rows = Rows(seen, sensor, ahead, np.ones(len(seen), np.float32))
    learned: Network = train_network(rows, 2, 5, 1_000, shares.append)
    found = learned.predict(seen, sensor)
    assert found.shape == (4_000, HORIZONS, len(QUANTILES))
    assert np.abs(found[..., 1] - ahead).mean() < 1
    assert shares == sorted(shares)
    assert shares[0] == 0
