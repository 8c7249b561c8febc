"""An analyst's query as a condition: every row is a subject.

Columns besides `subject`, `value` and `name` become labels. Where `sensor`, or else the subject itself, is a sensor's
external id, the alert has that sensor's labels as well.
"""

import math
import re
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.conditions.context import Context
from alerting.conditions.places import Places, fits, places
from alerting.conditions.query import KNOWN, ask
from alerting.observation import Observation
from schema.alerting.rules import Query, Where
from urbanclear.errors import ConfigurationError

_LABEL = re.compile(r"[a-z_][a-z0-9_]{0,62}")


async def observe(connection: AsyncConnection, when: Query, where: Where, context: Context) -> list[Observation]:
    """A subject a row; raises `ConfigurationError` where the query is wrong."""
    columns, rows = await ask(connection, when)
    strange = [name for name in columns if not _LABEL.fullmatch(name)]
    if strange:
        raise ConfigurationError(f"The query's column {strange[0]!r} is no label: name it in small letters, with AS.")
    known = await places(connection, context)
    seen: dict[str, Observation] = {}
    for row in rows:
        one = _observed(dict(zip(columns, row, strict=True)), known)
        if one.subject in seen:
            raise ConfigurationError(f"The query returns the subject {one.subject!r} twice: group by it.")
        seen[one.subject] = one
    return [one for one in seen.values() if fits(one.labels, where)]


def _observed(row: dict[str, Any], known: Places) -> Observation:
    subject = row["subject"]
    if not subject:
        raise ConfigurationError("The query returns a row without a subject: leave such rows out.")
    labels = {name: value for name, value in row.items() if name not in KNOWN and value}
    column = known.columns.get(labels.get("sensor", subject))
    sensor = known.sensors[column] if column is not None else None
    value = row.get("value")
    return Observation(
        subject,
        row.get("name") or (sensor.name if sensor else subject),
        value if value is not None and math.isfinite(value) else None,
        {**sensor.labels, **labels} if sensor else labels,
    )
