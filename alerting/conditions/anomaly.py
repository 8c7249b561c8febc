"""Anomalies that last: a subject is a sensor and a kind of anomaly, its value the score."""

from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.conditions.context import Context
from alerting.conditions.places import Places, places
from alerting.conditions.statements import statement
from alerting.observation import Observation
from schema.alerting.rules import Unusual, Where

FORGOTTEN_AFTER: Final = timedelta(days=30)
"""What began longer ago and was never said to have ended, is normal by now."""


async def observe(connection: AsyncConnection, when: Unusual, where: Where, context: Context) -> list[Observation]:
    """Each anomaly that lasts and fits."""
    known = await places(connection, context)
    watched = set(known.that_fit(where))
    columns = {sensor.id: column for column, sensor in enumerate(known.sensors)}
    values = {
        "now": context.now,
        "forgotten": FORGOTTEN_AFTER,
        "score": when.score,
        "all_kinds": not when.kinds,
        "kinds": list(when.kinds),
    }
    rows = (await connection.execute(statement("anomaly"), values)).all()
    return [
        observed(known, columns[sensor], kind, score)
        for sensor, kind, score in rows
        if columns.get(sensor) in watched
    ]


def observed(known: Places, column: int, kind: str, score: float) -> Observation:
    """One anomaly as an observation."""
    sensor = known.sensors[column]
    what = f"{kind.replace('_', ' ')} at {sensor.name}"
    return Observation(f"{sensor.external_id}/{kind}", what, score, {**sensor.labels, "anomaly": kind})
