"""The past of incidents and anomalies: when each was there, and how severe it was then."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.backtest.statements import statement
from alerting.backtest.tracks import Grid, Track
from alerting.conditions import anomaly, incident
from alerting.conditions.incident import Incident, severities
from alerting.conditions.places import Places
from alerting.conditions.subjects import Subject
from alerting.observation import Observation
from schema.alerting.rules import Reported, Unusual, Where
from schema.alerting.words import Priority


@dataclass(frozen=True)
class Past:
    """An incident, when it began, when it was first told of and when it was over, and how severe since when."""

    incident: Incident
    started_at: datetime
    reported_at: datetime
    cleared_at: datetime | None
    states: Sequence[tuple[datetime, str]]


async def past_incidents(connection: AsyncConnection, start: datetime, until: datetime) -> list[Past]:
    """Those that were open at some time of the span."""
    rows = await connection.execute(statement("incidents"), {"start": start, "until": until})
    return [_past(row) for row in rows]


def _past(row: Row[tuple[object, ...]]) -> Past:
    states = list(zip(row.times, row.severities, strict=True)) or [(row.started_at, row.severity)]
    what = Incident(row.id, row.kind, row.severity, row.sensors, row.area, row.road)
    return Past(what, row.started_at, states[0][0], row.cleared_at, states)


async def incidents(
    connection: AsyncConnection, when: Reported, where: Where, known: Places, grid: Grid
) -> tuple[Track, ...]:
    """A track an incident that was severe enough at some time."""
    found: list[Track] = []
    for past in await past_incidents(connection, grid.first, grid.end):
        if when.types and past.incident.kind not in when.types:
            continue
        for seen in incident.observed([past.incident], where, known):
            found += _pieces(seen, _severe(past, set(severities(when))), grid)
    return tuple(found)


def _severe(past: Past, enough: set[str]) -> Iterable[tuple[datetime, datetime | None, float]]:
    """From when until when it was how severe, where that was enough."""
    ends = [*(time for time, _ in past.states[1:]), past.cleared_at]
    for (time, severity), end in zip(past.states, ends, strict=True):
        if severity in enough and (end is None or end > time):
            yield time, end, float(Priority(severity).rank + 1)


async def anomalies(
    connection: AsyncConnection, when: Unusual, where: Where, known: Places, grid: Grid
) -> tuple[Track, ...]:
    """A track an anomaly."""
    watched = set(known.that_fit(where))
    columns = {sensor.id: column for column, sensor in enumerate(known.sensors)}
    values = {
        "start": grid.first,
        "until": grid.end,
        "forgotten": anomaly.FORGOTTEN_AFTER,
        "score": when.score,
        "all_kinds": not when.kinds,
        "kinds": list(when.kinds),
    }
    found: list[Track] = []
    for sensor, kind, score, began, ended in await connection.execute(statement("anomalies"), values):
        if columns.get(sensor) in watched:
            seen = anomaly.observed(known, columns[sensor], kind, score)
            found += _pieces(seen, [(began, ended, score)], grid)
    return tuple(found)


def _pieces(
    seen: Observation, pieces: Iterable[tuple[datetime, datetime | None, float]], grid: Grid
) -> Iterable[Track]:
    """One track for each stretch without a gap."""
    subject = Subject(seen.subject, seen.name, seen.labels)
    offset, values = 0, list[float]()
    for began, ended, value in pieces:
        row = grid.row_from(began)
        end = grid.length if ended is None else grid.row_from(ended)
        if values and row != offset + len(values):
            yield Track(subject, offset, np.array(values))
            values = []
        offset = offset if values else row
        values += [value] * (end - row)
    if values:
        yield Track(subject, offset, np.array(values))
