"""`/api/v1/alerts`: what is wrong now or was, and what people say and do about it."""

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from fastapi import APIRouter, HTTPException, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, create_model
from sqlalchemy import ColumnElement, or_

from api.access.audit import note
from api.database import Database
from api.deps import AccessDep, ActorDep, DatabaseDep
from api.http.answering import LIVE, Listing, answer_json, answer_list, items_of
from api.http.asking import AskedDep, AskedWholeDep
from api.http.describing import Responses, lists, problem
from api.http.times import time_at
from api.resources.alerts.changing import Changing, missing
from api.resources.alerts.shapes import ALERT, HAPPENED, LISTED, events_of, has_label, is_about
from api.resources.filters import NO_NUL, Area, Road, alike, in_area
from api.resources.notifications.shapes import NOTIFICATION, about, notifications_told
from schema.alerting.words import Line, Priority, Prose
from schema.tables import alerts, notifications

router = APIRouter(prefix="/alerts", tags=["alerts"])
changes = APIRouter(prefix="/alerts", tags=["alerts"])

State = Literal["pending", "firing", "resolved"]
OPEN: Final[tuple[State, ...]] = ("pending", "firing")
MISSING: Final = "There is no such alert"
CHANGES: Final[Responses] = {
    404: problem(MISSING),
    409: problem("The alert is over: it can be commented, and no more"),
}
_WHEN: Final = "RFC 3339 with an offset (write + as %2B), or relative: `-24h`, `-7d`, `now`"

Id = Annotated[str, Path(max_length=200, pattern=NO_NUL, examples=["01jz5k3v8m"])]
States = Annotated[
    list[State] | None,
    Query(
        alias="state", description="may be said several times; pending and firing where not", examples=[["firing"]]
    ),
]
Rule = Annotated[
    str | None, Query(max_length=63, pattern=NO_NUL, description="name of its rule", examples=["congestion"])
]
Least = Annotated[Priority | None, Query(description="leaves out what is less urgent")]
SensorOf = Annotated[
    str | None,
    Query(
        max_length=200,
        pattern=NO_NUL,
        description="external id of a sensor concerned",
        examples=["nyc-dot:4616337"],
    ),
]
Since = Annotated[
    str | None,
    Query(max_length=64, description=f"those that lasted then or began later; {_WHEN}", examples=["-24h"]),
]
Until = Annotated[str | None, Query(max_length=64, description=f"those that had begun by then; {_WHEN}")]
Acknowledged = Annotated[bool | None, Query(description="those that somebody takes care of, or nobody does")]

WHOLE: Final[type[BaseModel]] = create_model(
    "AlertWhole",
    __doc__="An alert with what happened to it, the oldest first, and who was told, the newest first",
    __base__=ALERT.model,
    events=(list[HAPPENED.model], ...),  # type: ignore[name-defined]
    notifications=(list[NOTIFICATION.model], ...),  # type: ignore[name-defined]
)
MOST_TOLD: Final = 1_000


class Assignment(BaseModel):
    """Whose an alert is."""

    model_config = ConfigDict(extra="forbid")

    assignee: Line | None = Field(description="null: nobody's", examples=["Night shift"])


class Comment(BaseModel):
    """Words about an alert."""

    model_config = ConfigDict(extra="forbid")

    text: Prose = Field(min_length=1, examples=["Crew is on its way"])


@router.get("", **lists(ALERT))
async def list_alerts(
    asked: AskedDep,
    database: DatabaseDep,
    state: States = None,
    rule: Rule = None,
    priority: Least = None,
    area: Area = None,
    road: Road = None,
    sensor: SensorOf = None,
    since: Since = None,
    until: Until = None,
    acknowledged: Acknowledged = None,
) -> Response:
    """Alerts that are pending or firing, those that began last first; others by `state`. Those that were over before
    they fired are left out."""
    conditions = [alerts.c.state.in_(state or OPEN), LISTED, *_lasting(since, until), *_labelled(area, road, sensor)]
    if rule is not None:
        conditions.append(alerts.c.rule == rule)
    if priority is not None:
        conditions.append(alerts.c.priority.in_([one for one in Priority if one.rank >= priority.rank]))
    if acknowledged is not None:
        conditions.append(alerts.c.acknowledged_at.is_not(None) == acknowledged)
    statement = ALERT.select().where(*conditions)
    key = (alerts.c.started_at, alerts.c.id)
    return await answer_list(asked, database, Listing(ALERT, statement, key, descending=True))


@router.get(
    "/{id:path}",
    response_model=WHOLE,
    responses={304: {"description": "As it was when its `ETag` was given"}, 404: problem(MISSING)},
)
async def one_alert(asked: AskedWholeDep, database: DatabaseDep, id: Id) -> Response:  # noqa: A002
    """One alert, with its history and up to 1,000 notifications."""
    asked.form(streamed=())
    alert = await _items(asked.zone, database, ALERT, ALERT.select().where(alerts.c.id == id))
    if not alert:
        raise HTTPException(404, missing(id))
    told = notifications_told().where(about(id)).order_by(notifications.c.created_at.desc(), notifications.c.id)
    content = {
        **alert[0],
        "events": await _items(asked.zone, database, HAPPENED, events_of(id)),
        "notifications": await _items(asked.zone, database, NOTIFICATION, told.limit(MOST_TOLD)),
    }
    return answer_json(asked, content, cache=LIVE)


@changes.post("/{id:path}/acknowledge", response_model=ALERT.model, responses=CHANGES)
async def acknowledge_alert(id: Id, access: AccessDep, actor: ActorDep, request: Request) -> Response:  # noqa: A002
    """Say that you take care of it: nobody else is called on then. Who was first stays."""
    note(request, id)
    return _written(await Changing(access.store, actor).acknowledge(id))


@changes.delete("/{id:path}/acknowledge", response_model=ALERT.model, responses=CHANGES)
async def unacknowledge_alert(id: Id, access: AccessDep, actor: ActorDep, request: Request) -> Response:  # noqa: A002
    """Say that nobody takes care of it any more."""
    note(request, id)
    return _written(await Changing(access.store, actor).unacknowledge(id))


@changes.put("/{id:path}/assignee", response_model=ALERT.model, responses=CHANGES)
async def assign_alert(
    id: Id,  # noqa: A002
    assignment: Assignment,
    access: AccessDep,
    actor: ActorDep,
    request: Request,
) -> Response:
    """Say whose it is."""
    note(request, id)
    return _written(await Changing(access.store, actor).assign(id, assignment.assignee))


@changes.post(
    "/{id:path}/comments", status_code=201, response_model=HAPPENED.model, responses={404: problem(MISSING)}
)
async def comment_alert(
    id: Id,  # noqa: A002
    comment: Comment,
    access: AccessDep,
    actor: ActorDep,
    request: Request,
) -> Response:
    """Add words to its history, also once it is over."""
    note(request, id)
    return _written(await Changing(access.store, actor).comment(id, comment.text), status=201)


async def _items(zone: Any, database: Database, shape: Any, statement: Any) -> list[dict[str, Any]]:
    return items_of(await database.tuples(statement), shape.fields, zone)


def _written(row: dict[str, Any], status: int = 200) -> Response:
    return Response(msgspec.json.encode(row), status, media_type="application/json")


def _lasting(since: str | None, until: str | None) -> Sequence[ColumnElement[bool]]:
    begin, end = time_at("since", since), time_at("until", until)
    conditions: list[ColumnElement[bool]] = []
    if begin is not None:
        conditions.append(or_(alerts.c.resolved_at.is_(None), alerts.c.resolved_at >= begin))
    if end is not None:
        conditions.append(alerts.c.started_at < end)
    return conditions


def _labelled(area: str | None, road: str | None, sensor: str | None) -> Sequence[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if area is not None:
        conditions.append(has_label("area", lambda value: in_area(value, area)))
    if road is not None:
        conditions.append(has_label("road", lambda value: alike(value, road)))
    if sensor is not None:
        conditions.append(is_about(sensor))
    return conditions
