"""How often a sensor fails, by empirical Bayes: what it has done itself, shrunk towards what the city's sensors do.

Failures of a sensor are a Poisson process whose rate is drawn, for each sensor, from one gamma distribution, which is
estimated from all of them by the method of moments (Quigley, Bedford and Walls, "Estimating rate of occurrence of
rare events with empirical Bayes: a railway application", 2007). What is some weeks old counts less, since sensors are
repaired and wear out.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

HALF_LIFE_DAYS: Final = 28.0
HORIZON_DAYS: Final = 7
LARGEST_SHAPE: Final = 1e3  # sensors that are all alike


@dataclass(frozen=True)
class Prior:
    """Gamma, of failures a day: its mean is `shape / days`."""

    shape: float
    days: float


def prior_of(failures: np.ndarray, days: np.ndarray) -> Prior:
    """From each sensor's number of failures and days at work. A city without failures is taken to have half a one."""
    worked = max(float(days.sum()), 1e-9)
    mean = max(float(failures.sum()), 0.5) / worked
    beyond_chance = float(((failures - mean * days) ** 2 - mean * days).sum())
    variance = max(beyond_chance / max(float((days**2).sum()), 1e-9), mean**2 / LARGEST_SHAPE)
    return Prior(mean**2 / variance, mean / variance)


def risks_of(failures: np.ndarray, working: np.ndarray) -> np.ndarray:
    """Each sensor's probability to fail within `HORIZON_DAYS`, from sensors by days, the newest day first.

    1 less the chance of none where the rate is gamma distributed (negative binomial).
    """
    prior = prior_of(failures.sum(axis=1), working.sum(axis=1))
    weights = 0.5 ** (np.arange(failures.shape[1]) / HALF_LIFE_DAYS)
    shape, days = prior.shape + failures @ weights, prior.days + working @ weights
    found: np.ndarray = 1 - (days / (days + HORIZON_DAYS)) ** shape
    return found
