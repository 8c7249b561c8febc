"""Thresholds: a measure of each subject, of its newest readings or of its last full bucket."""

from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.conditions.context import Context
from alerting.conditions.levels import fresh
from alerting.conditions.measures import measured
from alerting.conditions.places import places
from alerting.conditions.subjects import subjects
from alerting.observation import Observation
from schema.alerting.rules import Threshold, Where


async def observe(connection: AsyncConnection, when: Threshold, where: Where, context: Context) -> list[Observation]:
    """Each subject's measure now."""
    known = await places(connection, context)
    watched = subjects(known, when.by, where)
    levels = await fresh(connection, context, known, when.level)
    return watched.observed(measured(when.measure, levels, known, watched)[0])
