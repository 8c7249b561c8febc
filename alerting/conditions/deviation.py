"""Deviations: what is over what is normal at this time; of several sensors the sum of what is over that of what is
normal, of the sensors that have both."""

import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.conditions.context import Context
from alerting.conditions.levels import WIDTHS, Levels, fresh
from alerting.conditions.normal import normal, quarters
from alerting.conditions.places import Floats, Places, places
from alerting.conditions.subjects import Subjects, subjects
from alerting.observation import Observation
from schema.alerting.rules import Deviation, Where


async def observe(connection: AsyncConnection, when: Deviation, where: Where, context: Context) -> list[Observation]:
    """Each subject's deviation now; 1 is as normal."""
    known = await places(connection, context)
    watched = subjects(known, when.by, where)
    levels = await fresh(connection, context, known, when.level)
    return watched.observed((await deviations(connection, when, levels, known, watched, context))[0])


async def deviations(
    connection: AsyncConnection,
    when: Deviation,
    levels: Levels,
    known: Places,
    watched: Subjects,
    context: Context,
) -> Floats:
    """A row a moment, a column a subject; NaN where no sensor of it has both."""
    width = WIDTHS[when.level]
    asked = [quarters(at, width, context.time_zone, context.holidays) for at in levels.at]
    usual = await normal(connection, context, known, [quarter for several in asked for quarter in several])
    expected = usual.of(when.measure, asked)
    observed: Floats = getattr(levels, when.measure)
    both = ~np.isnan(observed) & (expected > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return watched.total(np.where(both, observed, np.nan)) / watched.total(np.where(both, expected, np.nan))
