"""`/api/v1/incidents` and `/api/v1/work-zones`."""

from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, HTTPException, Path, Query, Request, Response
from sqlalchemy import ColumnElement, Select, and_, select

from api.access.audit import note
from api.deps import DatabaseDep, ReportingDep
from api.http.answering import Listing, answer_list, answer_one
from api.http.asking import AskedDep, AskedOneDep
from api.http.describing import Responses, lists, problem, tells
from api.http.times import WeekDep
from api.resources.filters import NO_NUL, Area, Bbox, Road, alike, in_area, parse_bbox
from api.resources.incidents.reporting import IncidentChange, IncidentReport
from api.resources.incidents.shapes import INCIDENT, UPDATE, active_or_cleared
from schema.events import IncidentKind, Severity
from schema.tables import incident_updates, incidents

router = APIRouter(tags=["incidents"])
reports = APIRouter(tags=["incidents"])
changes = APIRouter(tags=["incidents"])

CLEARED_SHOWN: Final = timedelta(hours=1)
MISSING: Final = "There is no such incident"
WRITES: Final[Responses] = {
    400: problem("The body is no JSON"),
    409: problem("It is cleared, or its id is taken"),
    413: problem("The body is too long"),
}
CHANGES: Final[Responses] = {**WRITES, 404: problem(MISSING)}

Id = Annotated[
    str, Path(max_length=200, pattern=NO_NUL, description="source:id", examples=["nyc-collisions:4512345"])
]
Active = Annotated[
    bool | None,
    Query(
        description="those that last, or that are cleared; where not said, those that last or ended within an hour"
    ),
]
Kind = Annotated[IncidentKind | None, Query(description="one kind alone")]
Least = Annotated[Severity | None, Query(description="leaves out what is less severe")]
_SEVERITIES: Final = ("low", "medium", "high", "critical")


@router.get("/incidents", **lists(INCIDENT))
async def list_incidents(
    asked: AskedDep,
    database: DatabaseDep,
    active: Active = None,
    area: Area = None,
    road: Road = None,
    bbox: Bbox = None,
    kind: Kind = None,
    severity: Least = None,
) -> Response:
    """Active incidents, newest first, then those cleared within the last hour; `active=false`: all cleared ones."""
    statement = _filtered(INCIDENT.select(), active, area, road, bbox)
    if kind is not None:
        statement = statement.where(incidents.c.kind == kind)
    if severity is not None:
        statement = statement.where(incidents.c.severity.in_(_SEVERITIES[_SEVERITIES.index(severity) :]))
    return await answer_list(asked, database, Listing(INCIDENT, statement, _newest_first(), descending=True))


@router.get("/work-zones", **lists(INCIDENT))
async def work_zones(
    asked: AskedDep,
    database: DatabaseDep,
    active: Active = True,
    area: Area = None,
    road: Road = None,
    bbox: Bbox = None,
) -> Response:
    """Road works: incidents of that kind, those that last where not said."""
    statement = _filtered(INCIDENT.select(), active, area, road, bbox).where(incidents.c.kind == "road_works")
    return await answer_list(asked, database, Listing(INCIDENT, statement, _newest_first(), descending=True))


@router.get("/incidents/{id:path}/updates", **lists(UPDATE, missing=MISSING))
async def updates(asked: AskedDep, database: DatabaseDep, id: Id, span: WeekDep) -> Response:  # noqa: A002
    """Every state that an incident has had in the span, newest first."""
    if await database.value(select(incidents.c.id).where(incidents.c.id == id)) is None:
        raise HTTPException(404, f"There is no incident {id}: see /api/v1/incidents for those there are.")
    statement = UPDATE.select().where(
        incident_updates.c.incident_id == id,
        incident_updates.c.time >= span.start,
        incident_updates.c.time < span.end,
    )
    key = (incident_updates.c.time, incident_updates.c.status)
    return await answer_list(asked, database, Listing(UPDATE, statement, key, descending=True))


@router.get("/incidents/{id:path}", **tells(INCIDENT, missing=MISSING))
async def one_incident(asked: AskedOneDep, database: DatabaseDep, id: Id) -> Response:  # noqa: A002
    """The newest state of one incident."""
    statement = INCIDENT.select().where(incidents.c.id == id)
    missing = f"There is no incident {id}: see /api/v1/incidents for those there are."
    return await answer_one(asked, database, Listing(INCIDENT, statement, ()), missing)


@reports.post("/incidents", status_code=202, response_model=INCIDENT.model, responses=WRITES)
async def report_incident(
    report: IncidentReport, reporting: ReportingDep, request: Request, response: Response
) -> Any:
    """Report an incident. Answered once Kafka has it; it is stored and shown a moment later.

    To make a repeat safe, give it an `id` of your own: a second report of it is refused with 409.
    """
    event = await reporting.report(report)
    note(request, event.id)
    response.headers["Location"] = f"/api/v1/incidents/{event.id}"
    return _told(event)


@changes.patch("/incidents/{id:path}", status_code=202, response_model=INCIDENT.model, responses=CHANGES)
async def change_incident(id: Id, change: IncidentChange, reporting: ReportingDep, request: Request) -> Any:  # noqa: A002
    """Change what is known of an incident that lasts."""
    changed = change.model_dump(exclude_unset=True, exclude_none=True)
    if not changed:
        raise HTTPException(422, f"Nothing is changed: say one of {', '.join(IncidentChange.model_fields)}.")
    note(request, id, fields=sorted(changed))
    return _told(await reporting.change(id, "updated", changed))


@changes.post(
    "/incidents/{id:path}/resolve",
    status_code=202,
    response_model=INCIDENT.model,
    responses=CHANGES,
)
async def resolve_incident(id: Id, reporting: ReportingDep, request: Request) -> Any:  # noqa: A002
    """Say that an incident is over."""
    note(request, id)
    return _told(await reporting.change(id, "cleared", {}))


def _told(event: Any) -> dict[str, Any]:
    fields = {name: getattr(event, name) for name in event.__struct_fields__}
    return {**fields, "cleared_at": event.time if event.status == "cleared" else None}


def _newest_first() -> tuple[ColumnElement[Any], ...]:
    return (incidents.c.status != "cleared", incidents.c.started_at, incidents.c.id)


def _filtered(
    statement: Select[Any], active: bool | None, area: str | None, road: str | None, bbox: str | None
) -> Select[Any]:
    conditions: list[ColumnElement[bool]] = [
        active_or_cleared(CLEARED_SHOWN) if active is None else (incidents.c.status != "cleared") == active
    ]
    if area is not None:
        conditions.append(in_area(incidents.c.area, area))
    if road is not None:
        conditions.append(alike(incidents.c.road, road))
    if bbox is not None:
        west, south, east, north = parse_bbox(bbox)
        conditions.append(and_(incidents.c.lon.between(west, east), incidents.c.lat.between(south, north)))
    return statement.where(*conditions)
