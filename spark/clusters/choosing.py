"""How many clusters there are: the number whose clusters are the most distinct, among those found again from other
starts.

Distinct is the silhouette with squared Euclidean distance (Rousseeuw 1987, as MLlib computes it). Found again is how
well the grouping with the least squared distances agrees with those from other seeds: the median of adjusted Rand
indices (Hubert and Arabie 1985).
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
from pyspark.ml.clustering import KMeans
from pyspark.ml.evaluation import ClusteringEvaluator
from pyspark.ml.functions import array_to_vector
from pyspark.sql import DataFrame, SparkSession
from sklearn.metrics import adjusted_rand_score, pairwise_distances_argmin

from urbanclear.errors import ConfigurationError

MOST: Final = 7
SEEDS: Final = (1, 2, 3, 4, 5)
LEAST_STABILITY: Final = 0.8
NEAR: Final = 0.02  # of the highest silhouette; of groupings so alike the one with the fewest clusters is taken


@dataclass(frozen=True)
class Grouping:
    """`labels` of the sensors, in their order; `centres` a row a cluster; the largest cluster is number 0."""

    labels: np.ndarray
    centres: np.ndarray
    silhouette: float
    stability: float

    @property
    def k(self) -> int:
        return len(self.centres)

    def distances(self, profiles: np.ndarray) -> np.ndarray:
        """Of each profile to its cluster's centre."""
        found: np.ndarray = np.linalg.norm(profiles - self.centres[self.labels], axis=1)
        return found


def choose(session: SparkSession, profiles: np.ndarray, k: int | None, say: Callable[[str], None]) -> Grouping:
    """The grouping into `k`, or into as many as fit best; raises `ConfigurationError` with too few profiles."""
    least = k or 2
    if len(profiles) < least:
        raise ConfigurationError(
            f"{len(profiles)} sensors have speeds, too few for {least} clusters: choose a smaller --k or a longer "
            f"span."
        )
    distinct = len(np.unique(profiles, axis=0))
    if distinct < least:
        if k is not None:
            raise ConfigurationError(f"All sensors have one of {distinct} profiles, too few for {k} clusters.")
        return Grouping(np.zeros(len(profiles), int), profiles[:1], 0.0, 1.0)
    rows = [(number, profile.tolist()) for number, profile in enumerate(profiles)]
    frame = session.createDataFrame(rows, "number int, profile array<double>")
    numbers = [k] if k else list(range(2, max(2, min(MOST, distinct - 1)) + 1))
    # A row a sensor: one partition is quickest, and in one order it gives the same clusters each time.
    features = frame.select("number", array_to_vector("profile").alias("features")).coalesce(1).cache()
    candidates = list(_candidates(features, profiles, numbers, say))
    features.unpersist()
    stable = [one for one in candidates if one.stability >= LEAST_STABILITY]
    distinct_enough = max(one.silhouette for one in stable or candidates) - NEAR
    return next(one for one in stable or candidates if one.silhouette >= distinct_enough)


def _candidates(
    features: DataFrame, profiles: np.ndarray, numbers: list[int], say: Callable[[str], None]
) -> Iterator[Grouping]:
    """One for each number; as many as there are cores are fitted at once, since each is the work of one."""
    asked = [(k, seed) for k in numbers for seed in SEEDS]
    cores = features.sparkSession.sparkContext.defaultParallelism
    with ThreadPoolExecutor(cores) as pool:
        models = dict(
            zip(asked, pool.map(lambda one: KMeans(k=one[0], seed=one[1]).fit(features), asked), strict=True)
        )
    for k in numbers:
        say(f"Judging {k} clusters")
        best, *others = sorted((models[k, seed] for seed in SEEDS), key=lambda one: float(one.summary.trainingCost))
        labels = [pairwise_distances_argmin(profiles, np.array(one.clusterCenters())) for one in (best, *others)]
        stability = np.median([adjusted_rand_score(labels[0], other) for other in labels[1:]])
        told = best.transform(features)
        silhouette = float(ClusteringEvaluator().evaluate(told)) if len(np.unique(labels[0])) > 1 else 0.0
        yield _by_size(labels[0], np.array(best.clusterCenters()), silhouette, float(stability))


def _by_size(labels: np.ndarray, centres: np.ndarray, silhouette: float, stability: float) -> Grouping:
    """Numbered from the largest, and without those that nobody is in."""
    numbers, counts = np.unique(labels, return_counts=True)
    order = numbers[np.argsort(-counts, kind="stable")]
    place = {int(number): at for at, number in enumerate(order)}
    return Grouping(np.array([place[int(label)] for label in labels]), centres[order], silhouette, stability)
