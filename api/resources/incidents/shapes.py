"""Incidents as they are told, and what is asked of them."""

from datetime import timedelta
from typing import Any, Final

from sqlalchemy import func, select

from api.http.shapes import shape, told
from schema.tables import incident_updates, incidents

_EXAMPLES: Final[dict[str, object]] = {
    "id": "nyc-collisions:4512345",
    "time": "2026-03-02T12:10:00Z",
    "status": "updated",
    "kind": "collision",
    "severity": "high",
    "started_at": "2026-03-02T12:00:00Z",
    "description": "Two cars, right lane blocked",
    "sensors": ["nyc-dot:4616337"],
    "area": "Manhattan",
    "road": "FDR Drive",
    "direction": "N",
    "lat": 40.7114,
    "lon": -73.9787,
    "lanes_blocked": 1,
}

INCIDENT: Final = shape(
    "Incident",
    "The newest state of an incident",
    [told(column, example=_EXAMPLES.get(column.name)) for column in incidents.c],
)
UPDATE: Final = shape(
    "IncidentUpdate",
    "A state an incident has had",
    [told(column) for column in incident_updates.c if column.name != "incident_id"],
)


def active_or_cleared(within: timedelta) -> Any:
    """Whether an incident lasts, or was cleared no longer than `within` before the newest update of any."""
    newest = select(func.max(incidents.c.time)).scalar_subquery()
    return (incidents.c.status != "cleared") | (incidents.c.cleared_at > newest - within)
