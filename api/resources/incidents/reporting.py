"""Incidents as apps report them: events for Kafka, which ingest stores as it stores those of any feed."""

from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import msgspec
from fastapi import HTTPException
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from api.database import Database
from api.push import Push
from schema.events import Incident, IncidentKind, IncidentStatus, Severity, check_time
from schema.tables import incidents
from urbanclear.errors import InvalidEvent
from urbanclear.settings import Settings

SOURCE: Final = "api"
REMEMBERED: Final = 1_000
_STEP: Final = timedelta(microseconds=1)
_FIELDS: Final = Incident.__struct_fields__


class IncidentChange(BaseModel):
    """What has changed of an incident; what is not said stays."""

    model_config = ConfigDict(extra="forbid")

    severity: Severity | None = Field(None, examples=["high"])
    description: str | None = Field(None, max_length=1000, examples=["Left lane open again"])
    sensors: list[str] | None = Field(None, max_length=100, description="external ids of sensors affected")
    lanes_blocked: int | None = Field(None, ge=0, le=20, examples=[1])


class IncidentReport(BaseModel):
    """A new incident."""

    model_config = ConfigDict(extra="forbid")

    id: str | None = Field(
        None, min_length=1, max_length=200, description="source:id of your own; one is made where none is said"
    )
    kind: IncidentKind = Field(examples=["collision"])
    severity: Severity = Field(examples=["high"])
    started_at: datetime | None = Field(None, description="RFC 3339 with an offset; now where not said")
    description: str = Field("", max_length=1000, examples=["Two cars, right lane blocked"])
    sensors: list[str] = Field([], max_length=100, description="external ids of sensors affected")
    area: str | None = Field(None, max_length=200, examples=["Manhattan"])
    road: str | None = Field(None, max_length=200, examples=["FDR Drive"])
    direction: str | None = Field(
        None, max_length=200, description="of the traffic that it is in, where not of both", examples=["N"]
    )
    lat: float | None = Field(None, ge=-90, le=90)
    lon: float | None = Field(None, ge=-180, le=180)
    lanes_blocked: int | None = Field(None, ge=0, le=20)


class Reporting:
    """Sends incidents to Kafka. Remembers the newest it sent, so that a change may follow a report at once."""

    def __init__(self, push: Push, database: Database, settings: Settings) -> None:
        self._push = push
        self._database = database
        self._settings = settings
        self._sent: OrderedDict[str, Incident] = OrderedDict()

    async def report(self, report: IncidentReport) -> Incident:
        """A new incident; raises 409 where its id is taken, 422 where it cannot be accepted."""
        now = datetime.now(UTC)
        said = report.model_dump(exclude_none=True)
        number = said.pop("id", None) or f"{SOURCE}:{uuid4()}"
        if await self._known(number) is not None:
            raise HTTPException(409, f"There is an incident {number} already: PATCH it to change it.")
        return await self._send({"started_at": now, **said, "id": number, "time": now, "status": "reported"})

    async def change(self, number: str, status: IncidentStatus, changes: dict[str, Any]) -> Incident:
        """The incident with `changes`, later than what is known; raises 404 and 409 (it is cleared)."""
        known = await self._known(number)
        if known is None:
            raise HTTPException(404, f"There is no incident {number}: see /api/v1/incidents for those there are.")
        if known.status == "cleared":
            raise HTTPException(409, f"Incident {number} is cleared: report a new one.")
        time = max(datetime.now(UTC), known.time + _STEP)
        return await self._send({**_said(known), **changes, "time": time, "status": status})

    async def _send(self, fields: dict[str, Any]) -> Incident:
        settings = self._settings
        try:
            event = msgspec.convert(msgspec.to_builtins(fields), Incident)
            for time in (event.time, event.started_at):
                checked = msgspec.structs.replace(event, time=time)
                check_time(
                    checked,
                    now=datetime.now(UTC),
                    oldest=settings.oldest_time,
                    future_tolerance=settings.future_tolerance,
                )
        except (msgspec.ValidationError, InvalidEvent) as error:
            raise HTTPException(422, f"The incident cannot be accepted: {error}.") from None
        await self._push.deliver([event])
        self._sent[event.id] = event
        self._sent.move_to_end(event.id)
        if len(self._sent) > REMEMBERED:
            self._sent.popitem(last=False)
        return event

    async def _known(self, number: str) -> Incident | None:
        """The newer of what was sent from here and what is stored."""
        sent = self._sent.get(number)
        rows = await self._database.rows(select(incidents).where(incidents.c.id == number))
        if not rows:
            return sent
        row = rows[0] if rows[0]["placed_at"] is None else {**rows[0], "sensors": []}  # found, not said
        fields = {name: row[name] for name in _FIELDS if row[name] is not None}
        stored = Incident(**fields)
        return sent if sent is not None and sent.time >= stored.time else stored


def _said(incident: Incident) -> dict[str, Any]:
    return {name: value for name in _FIELDS if (value := getattr(incident, name)) is not None}
