"""How regular traffic is: the share of its variation that the time of the day, and then the day of the week,
explain.

The strength of a season after Wang, Smith and Hyndman ("Characteristic-based clustering for time series data",
2006), max(0, 1 - Var(rest) / Var(season + rest)), with means by slot as the season: daily by the time of the day,
weekly by the day of the week and the time of the day, of what the time of the day leaves.
"""

from typing import Final

import numpy as np

LEAST_DAYS: Final = 2
LEAST_WEEKS: Final = 2


def strengths(quarters: np.ndarray, weekdays: np.ndarray) -> tuple[float | None, float | None]:
    """Daily and weekly strength, 0 to 1, of a speed for each day (rows) and quarter of an hour; None where there are
    too few days."""
    days = int((~np.isnan(quarters)).any(1).sum())
    daily = by_day = None
    if days >= LEAST_DAYS:
        known = quarters[~np.isnan(quarters)]
        by_day = _rest(quarters)
        daily = _strength(by_day, float(((known - known.mean()) ** 2).sum()))
    if by_day is None or days < 7 * LEAST_WEEKS:
        return daily, None
    by_week = sum(_rest(quarters[weekdays == weekday]) for weekday in np.unique(weekdays))
    return daily, _strength(by_week, by_day)


def _rest(quarters: np.ndarray) -> float:
    """Sum of squares about the mean of each column."""
    known = ~np.isnan(quarters)
    means = np.where(known, quarters, 0).sum(0) / np.maximum(known.sum(0), 1)
    return float((np.where(known, quarters - means, 0) ** 2).sum())


def _strength(rest: float, before: float) -> float | None:
    """None of what does not vary at all."""
    if before <= 1e-9:
        return None
    return float(np.clip(1 - rest / before, 0, 1))
