"""The past of a rule's subjects, moment by moment, as the engine would have seen it.

The moments are those at which something new can be seen: each 5 minutes, or each hour or day for rules of these.
Rules of newest readings see the means of the 5 minutes before. What cannot be known any more is not guessed: an
analyst's query is about now, and has no past.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.backtest.happened import anomalies, incidents
from alerting.backtest.statements import statement
from alerting.backtest.tracks import Grid, Track
from alerting.conditions.context import Context
from alerting.conditions.deviation import deviations
from alerting.conditions.forecast import PACKED, step
from alerting.conditions.levels import SETTLED, WIDTHS, Levels, buckets
from alerting.conditions.measures import measured
from alerting.conditions.places import Floats, Places, places
from alerting.conditions.subjects import Subjects, subjects
from schema.alerting.rules import Deviation, Foretold, Query, Reported, Rule, Silent, Threshold, Unusual
from schema.rollups import DAY, FIVE_MINUTES
from urbanclear.errors import ConfigurationError

LONGEST: Final = timedelta(days=92)
MOST_VALUES: Final = 40_000_000
"""Moments times subjects: what 320 MB hold."""

Progress = Callable[[float], None]


@dataclass(frozen=True)
class History:
    """What was seen of all subjects; a track a subject."""

    grid: Grid
    known: Places
    tracks: tuple[Track, ...]


async def history(
    connection: AsyncConnection, rule: Rule, start: datetime, until: datetime, context: Context, progress: Progress
) -> History:
    """The past from `start` until before `until`; raises `ConfigurationError` where there is none to be had."""
    if not timedelta(0) < until - start <= LONGEST:
        raise ConfigurationError(f"A back-test is of {LONGEST.days} days at most, from one time to a later one.")
    known = await places(connection, context)
    match rule.when:
        case Reported() as when:
            grid = Grid.over(start, until, FIVE_MINUTES, timedelta(0))
            return History(grid, known, await incidents(connection, when, rule.where, known, grid))
        case Unusual() as when:
            grid = Grid.over(start, until, FIVE_MINUTES, timedelta(0))
            return History(grid, known, await anomalies(connection, when, rule.where, known, grid))
        case Query():
            raise ConfigurationError(
                "A rule by an analyst's query cannot be back-tested: a query tells of now, and not of a past moment. "
                "Try it with a dry run, or ask the same with a threshold or a deviation."
            )
    return await _measured(connection, rule, start, until, known, context, progress)


async def _measured(
    connection: AsyncConnection,
    rule: Rule,
    start: datetime,
    until: datetime,
    known: Places,
    context: Context,
    progress: Progress,
) -> History:
    when = rule.when
    assert isinstance(when, Threshold | Deviation | Foretold | Silent)  # noqa: S101
    watched = subjects(known, when.by, rule.where)
    width = WIDTHS[when.level] if isinstance(when, Threshold | Deviation) else FIVE_MINUTES
    lag = timedelta(0) if isinstance(when, Foretold) else width + SETTLED
    grid = Grid.over(start, until, width, lag)
    if grid.length * len(watched.each) > MOST_VALUES:
        raise ConfigurationError(
            "That is too much for one back-test: choose fewer days, or fewer subjects by `where`."
        )
    values = np.full((grid.length, len(watched.each)), np.nan)
    silent = _Silence(known, grid.first)
    row, stretch = 0, max(DAY, width)
    first = grid.first - (DAY if isinstance(when, Silent) else timedelta(0))
    while first < grid.end:
        last = min(first + stretch, grid.end)
        found = await _stretch(connection, when, first, last, known, watched, context, silent)
        if first >= grid.first:
            values[row : row + len(found)] = found
            row += len(found)
        first = last
        progress(max(0.0, (first - grid.first) / (grid.end - grid.first)))
    return History(grid, known, tuple(Track(one, 0, values[:, n]) for n, one in enumerate(watched.each)))


async def _stretch(
    connection: AsyncConnection,
    when: Threshold | Deviation | Foretold | Silent,
    first: datetime,
    last: datetime,
    known: Places,
    watched: Subjects,
    context: Context,
    silent: "_Silence",
) -> Floats:
    match when:
        case Threshold():
            levels = await buckets(connection, known, when.level, first, last)
            return measured(when.measure, levels, known, watched)
        case Deviation():
            levels = await buckets(connection, known, when.level, first, last)
            return await deviations(connection, when, levels, known, watched, context)
        case Foretold():
            levels = await _foretold(connection, when, first, last, known)
            return measured(when.measure, levels, known, watched)
        case Silent():
            least = watched.least(await silent.ages(connection, first, last))
            return np.where(np.isinf(least), np.nan, least)


async def _foretold(
    connection: AsyncConnection, when: Foretold, first: datetime, last: datetime, known: Places
) -> Levels:
    grid = Grid.over(first, last, FIVE_MINUTES, timedelta(0))
    levels = Levels.empty(tuple(grid.time(row) for row in range(grid.length)), known)
    values = {"start": first, "until": last, "ahead": step(when.ahead)}
    for epoch, packed in await connection.execute(statement("foretold"), values):
        rows = np.frombuffer(packed, PACKED)
        rows = rows[known.knows(rows["sensor"])]
        at = (datetime.fromtimestamp(epoch, UTC) - first) // FIVE_MINUTES
        levels.speed_kmh[at, known.of_ids(rows["sensor"])] = rows["speed_kmh"]
    return levels


class _Silence:
    """How long each sensor has been silent, from one stretch to the next; of the day before the first as well."""

    def __init__(self, known: Places, start: datetime) -> None:
        self._known = known
        self._last = np.full(len(known.sensors), np.nan)
        self._start = start

    async def ages(self, connection: AsyncConnection, first: datetime, last: datetime) -> Floats:
        """In seconds, at the end of each 5 minutes; a sensor counts as heard at the end of those in which it was."""
        length = (last - first) // FIVE_MINUTES
        seconds = FIVE_MINUTES.total_seconds()
        ends = first.timestamp() + seconds * (1 + np.arange(length))
        heard = np.full((length, len(self._known.sensors)), np.nan)
        for epoch, packed in await connection.execute(statement("heard"), {"start": first, "until": last}):
            ids = np.frombuffer(packed, ">i4")
            columns = self._known.of_ids(ids[self._known.knows(ids)])
            heard[int((epoch - first.timestamp()) // seconds), columns] = epoch + seconds
        heard = np.fmax.accumulate(np.vstack([self._last, heard]), axis=0)[1:]
        if length:
            self._last = heard[-1]
        ages: Floats = ends[:, None] - heard
        return ages
