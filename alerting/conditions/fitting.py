"""Which words of a rule's `where` fit nothing that there is, so that a typing error is told to whoever writes it."""

from collections.abc import Iterator, Mapping

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.conditions.context import Context
from alerting.conditions.places import LINES, places
from schema.alerting.events import values_of
from schema.alerting.rules import Query, Reported, Rule, Where
from schema.tables import incidents


async def misfits(connection: AsyncConnection, rule: Rule, context: Context) -> str:
    """What of `where` fits nothing, as people say it; empty where all fits something, or nobody can know."""
    if isinstance(rule.when, Query) or rule.where == Where():
        return ""
    known = await places(connection, context)
    labels = {label: {one for sensor in known.sensors for one in values_of(sensor.labels, label)} for label in LINES}
    if isinstance(rule.when, Reported):
        for area, road in await connection.execute(select(incidents.c.area, incidents.c.road).distinct()):
            labels["area"].add(area)
            labels["road"].add(road)
    words = ", ".join(_unknown(rule.where, labels))
    if words or isinstance(rule.when, Reported) or known.that_fit(rule.where):
        return words
    return "all of its lines together"


def _unknown(where: Where, labels: Mapping[str, set[str]]) -> Iterator[str]:
    for label, line in LINES.items():
        for word in getattr(where, line):
            if word not in labels[label]:
                yield f"{line}: {word}"
