"""How likely each sensor is to fail within a week: its rate of failures and, where enough has been seen, what showed
before failures in this city.

What shows is the share of readings missed and of implausible ones on the last day, and how much more are missed than
in the days before. A logistic regression learns how much that tells, and how much the rate does, from the days of the
span: as it stood then, against the week that followed. With less than three weeks, or too few failures, the rate
alone is the risk.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from spark.maintenance.rates import HORIZON_DAYS, risks_of

LEAST_DAYS: Final = 21
LEAST_SEEN_DAYS: Final = 7  # before a day that is learned from
LEAST_FAILURES: Final = 30  # weeks of a sensor with a failure, and as many without
BEFORE_DAYS: Final = 7  # that the last day's readings are compared with
FLOOR: Final = 0.01  # of a share, in logarithms: less makes no difference


@dataclass(frozen=True)
class History:
    """Sensors by days, the newest day first: failures that began, part of the day at work, shares of readings missed
    and implausible (NaN where nothing was expected)."""

    sensors: np.ndarray
    failures: np.ndarray
    working: np.ndarray
    missing: np.ndarray
    implausible: np.ndarray

    @classmethod
    def of(cls, days: pd.DataFrame) -> "History":
        """From a row a sensor and day, as of `health.Day`."""
        counted = days.assign(failures=days["silences"] + days["stucks"])
        names = ("failures", "working", "missing", "implausible")
        wide = {name: counted.pivot(index="sensor_id", columns="day", values=name) for name in names}
        counts = [wide[name].fillna(0).to_numpy(float) for name in ("failures", "working")]
        shares = [wide[name].to_numpy(float) for name in ("missing", "implausible")]
        return cls(wide["failures"].index.to_numpy(), *counts, *shares)

    @property
    def days(self) -> int:
        return int(self.failures.shape[1])

    def before(self, day: int) -> "History":
        """As it stood at the end of that day."""
        parts = (self.failures, self.working, self.missing, self.implausible)
        return History(self.sensors, *(part[:, day:] for part in parts))


def risk_of(history: History) -> np.ndarray:
    """Probability of a failure within `HORIZON_DAYS` of each sensor."""
    rates = risks_of(history.failures, history.working)
    if history.days < LEAST_DAYS:
        return rates
    seen, failed = _learned_from(history)
    if min(failed.sum(), len(failed) - failed.sum()) < LEAST_FAILURES:
        return rates
    model = make_pipeline(StandardScaler(), LogisticRegression())
    model.fit(seen, failed)
    found: np.ndarray = model.predict_proba(features(history))[:, 1]
    return found


def _learned_from(history: History) -> tuple[np.ndarray, np.ndarray]:
    """What was to be seen on each day with a week after it, and whether the sensor failed in that week."""
    cuts = range(HORIZON_DAYS, history.days - LEAST_SEEN_DAYS + 1)
    seen = [features(history.before(day)) for day in cuts]
    failed = [history.failures[:, day - HORIZON_DAYS : day].sum(axis=1) > 0 for day in cuts]
    known = [history.working[:, day:].sum(axis=1) > 0 for day in cuts]
    return (
        np.concatenate([one[there] for one, there in zip(seen, known, strict=True)]),
        np.concatenate([one[there] for one, there in zip(failed, known, strict=True)]),
    )


def features(history: History) -> np.ndarray:
    """Sensors by: log odds of the rate's risk, share missed on the last day, its rise, share implausible."""
    risks = np.clip(risks_of(history.failures, history.working), 1e-6, 1 - 1e-6)
    missing = last_known(history.missing)
    rise = _log(missing) - _log(usual(history.missing))
    return np.column_stack([np.log(risks / (1 - risks)), _log(missing), rise, _log(last_known(history.implausible))])


def last_known(shares: np.ndarray) -> np.ndarray:
    """Of each sensor, that of its newest day that has one; 0 where none has."""
    known = ~np.isnan(shares)
    newest = shares[np.arange(len(shares)), known.argmax(axis=1)]
    return np.where(known.any(axis=1), newest, 0.0)


def usual(shares: np.ndarray) -> np.ndarray:
    """Of each sensor, the median of the days before the last; that of the last where there are none."""
    medians = pd.DataFrame(shares[:, 1 : 1 + BEFORE_DAYS]).median(axis=1).to_numpy(float)
    return np.where(np.isnan(medians), last_known(shares), medians)


def _log(shares: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.log(FLOOR + shares)
    return found
