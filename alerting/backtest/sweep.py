"""Which bound would have been best: the rule replayed with bounds at quantiles of what was seen.

All are tried on one history, which is read once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np

from alerting.backtest.history import History
from alerting.backtest.judging import Judgement
from alerting.backtest.replay import Firing, replay
from schema.alerting.rules import Bounds, Rule

QUANTILES: Final = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
"""Shares of moments at which the bound would be passed."""
BEARABLE_A_DAY: Final = 5
BEARABLE_OF_A_SUBJECT: Final = 1 / 7
"""Where nothing is known to have happened, a bound is suggested that gives no more alerts a day, in all and of a
subject."""
LEAST_INCIDENTS: Final = 5
LEAST_F1: Final = 0.2
"""Fewer, or less of a fit between alerts and incidents, say too little about a bound."""


@dataclass(frozen=True)
class Trial:
    """What one bound would have given."""

    bound: float
    firings: int
    firings_per_day: float
    precision: float | None
    recall: float | None
    f1: float
    lead_minutes: float | None


@dataclass(frozen=True)
class Suggestion:
    """A bound, and why."""

    bound: float
    reason: str


def bounds_to_try(rule: Rule, history: History) -> list[float]:
    """The rule's own bound and those at quantiles of the values, in the order of their strictness."""
    bounds = rule.bounds
    if bounds is None or not history.tracks:
        return []
    values = np.concatenate([track.values for track in history.tracks])
    values = values[~np.isnan(values)]
    if not len(values):
        return []
    below = bounds.below is not None
    shares = QUANTILES if below else [1 - share for share in QUANTILES]
    own = bounds.below if bounds.below is not None else bounds.above
    tried = {float(f"{quantile:.3g}") for quantile in np.quantile(values, shares)} | {own}
    return sorted((bound for bound in tried if bound is not None), reverse=not below)


def with_bound(rule: Rule, bound: float) -> Rule:
    """The rule with another bound, and what it is well at moved along with it."""
    when = rule.when
    assert isinstance(when, Bounds)  # noqa: S101
    if when.below is not None:
        gap = None if when.clear_above is None else when.clear_above - when.below
        moved = {"below": bound, "clear_above": None if gap is None else bound + gap}
    else:
        own = when.above or 0.0
        gap = None if when.clear_below is None else own - when.clear_below
        moved = {"above": bound, "clear_below": None if gap is None else bound - gap}
    return rule.model_copy(update={"when": when.model_copy(update=moved)})


def sweep(rule: Rule, history: History, judge: Callable[[Sequence[Firing]], Judgement]) -> list[Trial]:
    """Each bound with what it would have given; nothing for rules without bounds of their own."""
    if not isinstance(rule.when, Bounds):
        return []
    days = history.grid.width * history.grid.length / timedelta(days=1)
    found = []
    for bound in bounds_to_try(rule, history):
        firings = replay(with_bound(rule, bound), history.grid, history.tracks)
        judgement = judge(firings)
        found.append(
            Trial(
                bound,
                len(firings),
                len(firings) / days,
                judgement.precision,
                judgement.recall,
                judgement.f1,
                judgement.lead_minutes,
            )
        )
    return found


def suggested(trials: Sequence[Trial], incidents: int, subjects: int) -> Suggestion | None:
    """The bound with the best balance, where enough is known to have happened; else the widest that can be borne."""
    if not trials:
        return None
    best = max(trials, key=lambda trial: trial.f1)
    if incidents >= LEAST_INCIDENTS and best.f1 >= LEAST_F1:
        return Suggestion(
            best.bound,
            f"it finds {best.recall or 0:.0%} of {incidents} incidents, and {best.precision or 0:.0%} of its alerts "
            f"are about one: of the bounds tried the best balance (F1 {best.f1:.2f})",
        )
    most = min(BEARABLE_A_DAY, BEARABLE_OF_A_SUBJECT * subjects)
    bearable = [trial for trial in trials if 0 < trial.firings_per_day <= most]
    if not bearable:
        return None
    widest = bearable[-1]
    return Suggestion(
        widest.bound,
        f"of the bounds tried it is the widest with at most {BEARABLE_A_DAY} alerts a day, and one a week of each "
        f"subject ({widest.firings_per_day:.2g}); {incidents} known incidents say too little (F1 {best.f1:.2f})",
    )
