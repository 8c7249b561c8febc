"""An incident as it is told."""

from datetime import datetime

from pydantic import BaseModel


class Incident(BaseModel):
    """The newest state of an incident."""

    id: str
    time: datetime
    status: str
    kind: str
    severity: str
    started_at: datetime
    cleared_at: datetime | None = None
    description: str = ""
    sensors: list[str] = []
    area: str | None = None
    road: str | None = None
    lat: float | None = None
    lon: float | None = None
    lanes_blocked: int | None = None
