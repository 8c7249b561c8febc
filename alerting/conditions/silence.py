"""Silence: for how many seconds nothing has been heard, also of a whole area, corridor or source; and which sources
are down, so that one alert can stand for all of their sensors.

A sensor that has never said anything has no data: a city lists sensors before they are built. Nor does one begin an
alert that has not been heard for a day more than it is allowed: it is of a recording, or was taken out of service.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Final

import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.conditions.context import Context
from alerting.conditions.levels import newest
from alerting.conditions.places import Floats, Places, places
from alerting.conditions.statements import statement
from alerting.conditions.subjects import subjects
from alerting.observation import Observation
from schema.alerting.rules import Silent, Where

SOURCE_DOWN_AFTER: Final = timedelta(minutes=5)
"""A source of which nothing has been heard for so long is down ..."""
MISSED: Final = 3
"""... or, where its sensors report more seldom, for so many of the pauses that its most frequent sensor makes."""
FORGOTTEN_AFTER: Final = timedelta(days=1)
"""What has been silent for so long was taken out of service, or never spoke of the present."""


async def observe(connection: AsyncConnection, when: Silent, where: Where, context: Context) -> list[Observation]:
    """The seconds since each subject was last heard."""
    known = await places(connection, context)
    watched = subjects(known, when.by, where)
    ages = await _ages(connection, context, known, when.longer_than)
    least = watched.least(ages[None, :])[0]
    forgotten = (when.longer_than + FORGOTTEN_AFTER).total_seconds()
    found = watched.observed(np.where(np.isinf(least), np.nan, least))
    return [one if one.value is None or one.value <= forgotten else replace(one, is_past=True) for one in found]


async def _ages(connection: AsyncConnection, context: Context, known: Places, longer_than: timedelta) -> Floats:
    ages = (await newest(connection, context, known)).age_s
    silent = np.flatnonzero(ages > longer_than.total_seconds())
    if not len(silent):
        return ages
    values = {"now": context.now, "since": context.now - longer_than, "sensors": known.ids[silent].tolist()}
    heard = (await connection.execute(statement("silence"), values)).all()
    ages = ages.copy()
    if heard:
        ids, seconds = zip(*heard, strict=True)
        ages[known.of_ids(np.array(ids))] = seconds
    return ages


async def sources_down(connection: AsyncConnection, context: Context) -> set[str]:
    """The sources of which nothing has been heard lately, though something was within a day."""
    known = await places(connection, context)
    ages = (await newest(connection, context, known)).age_s
    heard: dict[str, tuple[float, float]] = {}
    for sensor, age, per_hour in zip(known.sensors, ages.tolist(), known.readings_per_hour.tolist(), strict=True):
        source = str(sensor.labels["source"])
        youngest, most = heard.get(source, (np.inf, 0.0))
        heard[source] = (
            min(youngest, np.inf if age != age else age),
            max(most, 0.0 if per_hour != per_hour else per_hour),
        )
    return {
        source
        for source, (age, per_hour) in heard.items()
        if _patience_s(per_hour) < age <= FORGOTTEN_AFTER.total_seconds()
    }


def _patience_s(per_hour: float) -> float:
    least = SOURCE_DOWN_AFTER.total_seconds()
    return max(least, MISSED * 3600 / per_hour) if per_hour > 0 else least
