"""Forecasts: what the newest one says of each subject's speed some time ahead.

Forecasts are made for 5, 10 … 60 minutes ahead: a rule that asks for another time gets the next of these. One that is
older than newest readings may be tells nothing.
"""

from datetime import timedelta
from typing import Final

import numpy as np
from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.conditions.context import Context
from alerting.conditions.levels import FRESH, Levels
from alerting.conditions.measures import measured
from alerting.conditions.places import Places, places
from alerting.conditions.statements import statement
from alerting.conditions.subjects import subjects
from alerting.observation import Observation
from schema.alerting.rules import Foretold, Where
from schema.rollups import FIVE_MINUTES

PACKED: Final = np.dtype([("sensor", ">i4"), ("speed_kmh", ">f8")])


async def observe(connection: AsyncConnection, when: Foretold, where: Where, context: Context) -> list[Observation]:
    """Each subject's speed, or its share of free flow, as it is foretold."""
    known = await places(connection, context)
    watched = subjects(known, when.by, where)
    ahead = step(when.ahead)
    levels = await context.once(("foretold", ahead), lambda: _read(connection, context, known, ahead))
    return watched.observed(measured(when.measure, levels, known, watched)[0])


def step(ahead: timedelta) -> timedelta:
    """The next of the times ahead for which there are forecasts."""
    return -(-ahead // FIVE_MINUTES) * FIVE_MINUTES


async def _read(connection: AsyncConnection, context: Context, known: Places, ahead: timedelta) -> Levels:
    values = {"now": context.now, "ahead": ahead, "fresh": FRESH, "sensors": known.ids.tolist()}
    packed = (await connection.execute(statement("forecast"), values)).scalar() or b""
    foretold = np.frombuffer(packed, PACKED)
    levels = Levels.empty((context.now,), known)
    levels.speed_kmh[0, known.of_ids(foretold["sensor"])] = foretold["speed_kmh"]
    return levels
