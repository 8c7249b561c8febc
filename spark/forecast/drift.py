"""Whether the model in place has become worse: its kept scores of the last days beside those of the weeks before.

A week of storms is hard for any model, so what is compared is the error over persistence's, which is as much harder
then. Where a model has no weeks before, its error is held against that of its training.
"""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg
from psycopg.rows import class_row

from spark.forecast.registry import Entry
from spark.forecast.window import COVERAGE
from urbanclear.errors import ConfigurationError

BEFORE: Final = timedelta(days=28)
#: Fewer forecasts than that say nothing.
ENOUGH: Final = 1_000
#: How far below what is meant the coverage of the interval may be.
COVERAGE_TOLERANCE: Final = 0.05

_SCORES: Final = """
    WITH newest AS (
        SELECT max(hour) + interval '1 hour' AS until FROM measures.forecast_totals WHERE model = %(model)s
    )
    SELECT horizon_minutes, hour >= until - %(days)s::interval AS recent, until,
           sum(predictions)::bigint AS predictions, sum(abs_error) AS abs_error, sum(paired_error) AS paired_error,
           sum(persistence_error) AS persistence_error, sum(intervals)::bigint AS intervals,
           sum(inside)::bigint AS inside
    FROM measures.forecast_totals, newest
    WHERE model = %(model)s AND hour >= until - %(days)s::interval - %(before)s::interval
    GROUP BY 1, 2, 3 ORDER BY 1, 2
"""


@dataclass(frozen=True)
class Scores:
    """Sums over the forecasts of a horizon."""

    horizon_minutes: int
    recent: bool
    until: datetime
    predictions: int
    abs_error: float
    paired_error: float
    persistence_error: float
    intervals: int
    inside: int

    @property
    def mae_kmh(self) -> float:
        return self.abs_error / self.predictions

    @property
    def skill(self) -> float | None:
        return 1 - self.paired_error / self.persistence_error if self.persistence_error else None

    @property
    def coverage(self) -> float | None:
        return self.inside / self.intervals if self.intervals else None


@dataclass(frozen=True)
class Horizon:
    """What is told of one; `before` is None where there is nothing to compare with."""

    minutes: int
    predictions: int
    mae_kmh: float
    mae_before_kmh: float | None
    skill: float | None
    skill_before: float | None
    coverage: float | None


@dataclass(frozen=True)
class Drift:
    """What was found; `reasons` are sentences, none where the model is as good as it was. `ratio` is the error over
    what it is held against, of which `against` says what that is."""

    model: str
    until: datetime
    days: float
    against: str
    ratio: float | None
    horizons: tuple[Horizon, ...]
    reasons: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "until": self.until.isoformat(), "drifted": bool(self.reasons)}


def drift_of(connection: psycopg.Connection[Any], entry: Entry, days: float, tolerance: float) -> Drift:
    """Of the last `days` that were scored; raises `ConfigurationError` where there are too few forecasts."""
    values = {"model": entry.name, "days": timedelta(days=days), "before": BEFORE}
    with connection.cursor(row_factory=class_row(Scores)) as cursor:
        found = cursor.execute(_SCORES, values).fetchall()
    recent = [scores for scores in found if scores.recent]
    before = {scores.horizon_minutes: scores for scores in found if not scores.recent}
    count = sum(scores.predictions for scores in recent)
    if count < ENOUGH:
        raise ConfigurationError(
            f"Only {count:,} forecasts of {entry.name} have been scored, {ENOUGH:,} are needed: let it forecast for "
            f"longer, and see in `urbanclear schema status` that the task forecasts runs."
        )
    trained: dict[str, Any] = entry.metrics.get("horizons", {})
    is_known = sum(scores.predictions for scores in before.values()) >= ENOUGH
    against = f"the {BEFORE.days} days before" if is_known else "its training" if trained else "nothing"
    ratio = _relative(recent, list(before.values())) if is_known else _to_training(recent, trained)
    earlier = before if is_known else {}
    horizons = tuple(_horizon(scores, earlier.get(scores.horizon_minutes), trained) for scores in recent)
    reasons = tuple(_reasons(recent, ratio, against, tolerance))
    return Drift(entry.name, recent[0].until, days, against, ratio, horizons, reasons)


def _reasons(recent: list[Scores], ratio: float | None, against: str, tolerance: float) -> list[str]:
    found = []
    if ratio is not None and ratio > 1 + tolerance:
        found.append(f"its error has grown by {100 * (ratio - 1):.0f} % against {against}")
    share = _over_persistence(recent)
    if share is not None and share > 1:
        found.append(f"it is {100 * (share - 1):.0f} % further off than the last speed known")
    intervals = sum(scores.intervals for scores in recent)
    coverage = sum(scores.inside for scores in recent) / intervals if intervals else None
    if coverage is not None and coverage < COVERAGE - COVERAGE_TOLERANCE:
        found.append(f"its interval held {100 * coverage:.0f} % of what was measured, not {100 * COVERAGE:.0f} %")
    return found


def _horizon(recent: Scores, before: Scores | None, trained: dict[str, Any]) -> Horizon:
    told = trained.get(str(recent.horizon_minutes), {}).get("mae_kmh")
    return Horizon(
        recent.horizon_minutes,
        recent.predictions,
        recent.mae_kmh,
        before.mae_kmh if before else told,
        recent.skill,
        before.skill if before else None,
        recent.coverage,
    )


def _over_persistence(scores: list[Scores]) -> float | None:
    """The error over persistence's, of the forecasts that have both."""
    persistence = sum(one.persistence_error for one in scores)
    return sum(one.paired_error for one in scores) / persistence if persistence else None


def _relative(recent: list[Scores], before: list[Scores]) -> float | None:
    now, then = _over_persistence(recent), _over_persistence(before)
    return now / then if now is not None and then else None


def _to_training(recent: list[Scores], trained: dict[str, Any]) -> float | None:
    """Mean error over the horizons that both have, over the same at training."""
    both = [
        (scores.mae_kmh, float(trained[str(scores.horizon_minutes)]["mae_kmh"]))
        for scores in recent
        if str(scores.horizon_minutes) in trained
    ]
    then = sum(mae for _, mae in both)
    return sum(mae for mae, _ in both) / then if then else None
