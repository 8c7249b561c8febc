"""A back-test from beginning to end: a rule, a span, and what would have come of it."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.backtest.happened import past_incidents
from alerting.backtest.history import Progress, history
from alerting.backtest.judging import Judgement, judged, labelled
from alerting.backtest.replay import Firing, replay
from alerting.backtest.sweep import Suggestion, Trial, suggested, sweep
from alerting.conditions.context import Context
from schema.alerting.rules import Rule

TOLERANCE: Final = timedelta(minutes=30)
MOST_FIRINGS: Final = 1_000
"""So many are listed in a result; all are counted."""
_READING_SHARE: Final = 0.8


@dataclass(frozen=True)
class Day:
    """What would have come on a day of the city; a firing counts on the day on which it began."""

    day: date
    firings: int
    minutes: float


@dataclass(frozen=True)
class Backtest:
    """The result. `firings` are the first of them; `fired` counts all, `subjects_fired` the subjects they were of."""

    rule: str
    start: datetime
    until: datetime
    subjects: int
    evaluations: int
    without_data_share: float
    fired: int
    subjects_fired: int
    median_minutes: float | None
    firings: tuple[Firing, ...]
    days: tuple[Day, ...]
    incidents: Judgement
    trials: tuple[Trial, ...]
    suggestion: Suggestion | None

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        found: dict[str, Any] = msgspec.to_builtins(self)
        return found


async def backtest(
    connection: AsyncConnection,
    rule: Rule,
    start: datetime,
    until: datetime,
    context: Context,
    progress: Progress = lambda _: None,
    tolerance: timedelta = TOLERANCE,
) -> Backtest:
    """Replay `rule` from `start` until `until`; raises `ConfigurationError` where that cannot be done."""
    past = await history(connection, rule, start, until, context, lambda share: progress(_READING_SHARE * share))
    known = labelled(await past_incidents(connection, start, until), past.tracks, past.known)
    known = [one for one in known if start <= one.past.started_at < until]
    firings = replay(rule, past.grid, past.tracks)
    progress((1 + _READING_SHARE) / 2)
    trials = sweep(rule, past, lambda found: judged(found, known, tolerance))
    progress(1)
    end, subjects = past.grid.end, len({track.subject.key for track in past.tracks})
    values = sum(len(track.values) for track in past.tracks)
    missing = sum(int(np.isnan(track.values).sum()) for track in past.tracks)
    return Backtest(
        rule=rule.name,
        start=past.grid.first,
        until=end,
        subjects=subjects,
        evaluations=values,
        without_data_share=missing / values if values else 0.0,
        fired=len(firings),
        subjects_fired=len({firing.subject for firing in firings}),
        median_minutes=median(firing.minutes(end) for firing in firings) if firings else None,
        firings=tuple(firings[:MOST_FIRINGS]),
        days=tuple(_days(firings, past.grid.first, end, context.time_zone)),
        incidents=judged(firings, known, tolerance),
        trials=tuple(trials),
        suggestion=suggested(trials, len(known), subjects),
    )


def _days(firings: list[Firing], start: datetime, end: datetime, time_zone: str) -> list[Day]:
    zone = ZoneInfo(time_zone)
    count: Counter[date] = Counter()
    minutes: defaultdict[date, float] = defaultdict(float)
    for firing in firings:
        day = firing.fired_at.astimezone(zone).date()
        count[day] += 1
        minutes[day] += firing.minutes(end)
    first, last = start.astimezone(zone).date(), (end - timedelta(seconds=1)).astimezone(zone).date()
    every = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return [Day(day, count[day], minutes[day]) for day in every]
