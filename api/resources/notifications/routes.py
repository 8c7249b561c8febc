"""`/api/v1/notifications`: whether people were told, and once more where they were not."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, HTTPException, Path, Query, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy import ColumnElement, func, select, update

from api.access.audit import note
from api.deps import AccessDep, DatabaseDep
from api.http.answering import Listing, answer_list
from api.http.asking import AskedDep
from api.http.describing import lists, problem
from api.resources.filters import NO_NUL
from api.resources.notifications.shapes import NOTIFICATION, about, notifications_told
from schema.alerting.addresses import ChannelKind
from schema.tables import notifications

router = APIRouter(prefix="/notifications", tags=["alerts"])
changes = APIRouter(prefix="/notifications", tags=["alerts"])

State = Annotated[
    Literal["waiting", "delivered", "given_up", "obsolete"] | None, Query(description="what became of it")
]
Contact = Annotated[str | None, Query(max_length=63, pattern=NO_NUL, description="who is told", examples=["on-call"])]
Kind = Annotated[ChannelKind | None, Query(description="how")]
About = Annotated[str | None, Query(max_length=200, pattern=NO_NUL, description="about this alert")]
Id = Annotated[str, Path(max_length=500, pattern=NO_NUL, examples=["slow-3f2c:on-call:0"])]

GIVEN_UP: Final = notifications.c.state == "given_up"


class Retried(BaseModel):
    """How many notifications are tried again."""

    retried: int = Field(examples=[3])


class Retry(BaseModel):
    """How a notification stands that is tried again."""

    id: str
    state: str = Field(examples=["waiting"])
    next_at: datetime


@router.get("", **lists(NOTIFICATION))
async def list_notifications(
    asked: AskedDep,
    database: DatabaseDep,
    state: State = None,
    contact: Contact = None,
    channel: Kind = None,
    alert: About = None,
) -> Response:
    """Messages to people, newest first. Secrets are never told."""
    said: dict[Any, object] = {
        notifications.c.state: state,
        notifications.c.contact: contact,
        notifications.c.kind: channel,
    }
    conditions = [column == value for column, value in said.items() if value is not None]
    statement = notifications_told().where(*conditions)
    if alert is not None:
        statement = statement.where(about(alert))
    key = (notifications.c.created_at, notifications.c.id)
    return await answer_list(asked, database, Listing(NOTIFICATION, statement, key, descending=True))


@changes.post("/retry")
async def retry_notifications(
    access: AccessDep, request: Request, contact: Contact = None, channel: Kind = None
) -> Retried:
    """Try again all that were given up, or those to a contact or of a kind of channel."""
    said: dict[Any, object] = {notifications.c.contact: contact, notifications.c.kind: channel}
    conditions = [column == value for column, value in said.items() if value is not None]
    retried = len(await access.store.rows(_again(GIVEN_UP, *conditions)))
    note(request, contact, retried=retried)
    return Retried(retried=retried)


@changes.post(
    "/{id:path}/retry",
    responses={404: problem("There is no such notification"), 409: problem("It was not given up")},
)
async def retry_notification(id: Id, access: AccessDep, request: Request) -> Retry:  # noqa: A002
    """Try one again that was given up; one that waits is tried anyway."""
    note(request, id)
    async with access.store.transaction() as connection:
        mine = notifications.c.id == id
        await connection.execute(_again(mine, GIVEN_UP))
        found = select(notifications.c.id, notifications.c.state, notifications.c.next_at).where(mine)
        row = (await connection.execute(found)).mappings().one_or_none()
    if row is None:
        raise HTTPException(404, f"There is no notification {id}: see /api/v1/notifications for those there are.")
    if row["state"] != "waiting":
        raise HTTPException(409, f"Notification {id} is {row['state']}: only what was given up is tried again.")
    return Retry(**row)


def _again(*conditions: ColumnElement[bool]) -> Any:
    """As after one attempt: it is tried about as often as a new one, also where its alerts are over by now."""
    values = {
        "state": "waiting",
        "next_at": func.now(),
        "finished_at": None,
        "attempts": func.least(notifications.c.attempts, 1),
    }
    return update(notifications).where(*conditions).values(values).returning(notifications.c.id)
