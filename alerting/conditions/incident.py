"""Incidents: each that has not been cleared is a subject; its value says how severe it is, 1 (low) to 4 (critical).

Its label `sensor` lists the sensors it affects; area, road and corridor are its own, else those of these sensors. Its
label `description` is for rules' texts: it is what the source says, on one line.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.conditions.context import Context
from alerting.conditions.levels import FRESH
from alerting.conditions.places import Places, fits, places, source_of
from alerting.conditions.statements import statement
from alerting.observation import Observation
from alerting.templates.view import line
from schema.alerting.rules import Reported, Where
from schema.alerting.words import Priority

RECENT: Final = timedelta(hours=1)
_FROM_SENSORS: Final = ("area", "road", "corridor")
_LONGEST: Final = 500  # characters of a description


@dataclass(frozen=True)
class Incident:
    """What is known of one at a moment."""

    id: str
    kind: str
    severity: str
    sensors: Sequence[str]
    area: str | None
    road: str | None
    lanes_blocked: int | None = None
    description: str = ""
    started_at: datetime | None = None
    is_past: bool = False


async def observe(connection: AsyncConnection, when: Reported, where: Where, context: Context) -> list[Observation]:
    """Each incident that lasts and fits. While a history is being stored, those of which nothing new was said lately
    are of its past: they are about to be cleared."""
    known = await places(connection, context)
    values: dict[str, Any] = {
        "severities": severities(when),
        "all_kinds": not when.types,
        "kinds": list(when.types),
        "recent": context.now - RECENT,
        "fresh": context.now - FRESH,
    }
    rows = await connection.execute(statement("incident"), values)
    return list(observed((Incident(*row) for row in rows), where, known))


def severities(when: Reported) -> list[str]:
    """Those that are at least as severe as the rule asks."""
    return [severity.value for severity in Priority if severity.rank >= Priority(when.severity).rank]


def observed(incidents: Iterable[Incident], where: Where, known: Places) -> Iterable[Observation]:
    """Those that fit `where`, as observations."""
    for incident in incidents:
        labels = labels_of(incident, known)
        if fits(labels, where):
            priority = Priority(incident.severity)
            yield Observation(
                incident.id,
                _name(incident),
                float(priority.rank + 1),
                labels,
                priority,
                incident.started_at,
                incident.is_past,
            )


def labels_of(incident: Incident, known: Places) -> dict[str, str | list[str]]:
    """What it is about, as labels."""
    labels: dict[str, str | list[str]] = {
        "incident": incident.id,
        "type": incident.kind,
        "severity": incident.severity,
    }
    if sources := _sources(incident):
        labels["source"] = sources
    if incident.sensors:
        labels["sensor"] = list(incident.sensors)
    affected = [known.sensors[known.columns[name]] for name in incident.sensors if name in known.columns]
    own = {"area": incident.area, "road": incident.road}
    for label in _FROM_SENSORS:
        values = sorted({str(sensor.labels[label]) for sensor in affected if label in sensor.labels})
        value = own.get(label) or (values[0] if len(values) == 1 else values)
        if value:
            labels[label] = value
    if description := line(incident.description, _LONGEST):
        labels["description"] = description
    return labels


def _sources(incident: Incident) -> str | list[str]:
    """Whose incident it is: what its id begins with, else whose sensors it affects."""
    if ":" in incident.id:
        return source_of(incident.id)
    found = sorted({source_of(sensor) for sensor in incident.sensors if ":" in sensor})
    return found[0] if len(found) == 1 else found


def _name(incident: Incident) -> str:
    kind = incident.kind.replace("_", " ")
    what = kind[:1].upper() + kind[1:]
    if incident.road:
        return f"{what} on {incident.road}"
    return f"{what} in {incident.area}" if incident.area else f"{what} {incident.id}"
