"""`/api/v1/silences`."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Body, HTTPException, Path, Query, Request, Response
from pydantic import ValidationError, create_model
from sqlalchemy import func, insert, select, update

from api.access.audit import note
from api.database import Database
from api.deps import AccessDep, ActorDep, DatabaseDep, SettingsDep
from api.http.answering import Listing, answer_list, answer_one
from api.http.asking import AskedDep, AskedOneDep
from api.http.describing import lists, problem, tells
from api.http.problems import bad_body
from api.resources.silences.shapes import EXAMPLE, SILENCE, STATE, Fitting, Matchers, NewSilence, Preview
from schema.alerting.routing import SilenceRequest
from schema.alerting.words import Matcher, Priority, duration_text
from schema.tables import alert_silences, alerts

router = APIRouter(prefix="/silences", tags=["alerts"])
changes = APIRouter(prefix="/silences", tags=["alerts"])

MISSING: Final = "There is no such silence"
LONGEST_RECURRING: Final = timedelta(days=366)
MOST_SHOWN: Final = 100

Id = Annotated[int, Path(ge=1, le=2**31 - 1, examples=[7])]
State = Annotated[Literal["to_come", "lasting", "over"] | None, Query(description="how they stand")]
MADE: Final = create_model("MadeSilence", __base__=SILENCE.model, fitting=(int, ...))


@router.get("", **lists(SILENCE))
async def list_silences(asked: AskedDep, database: DatabaseDep, state: State = None) -> Response:
    """All silences, newest first, those that are over too: who ended them is `ended_by`."""
    statement = SILENCE.select() if state is None else SILENCE.select().where(STATE.in_([state]))
    return await answer_list(asked, database, Listing(SILENCE, statement, (alert_silences.c.id,), descending=True))


@router.get("/{id}", **tells(SILENCE, missing=MISSING))
async def one_silence(asked: AskedOneDep, database: DatabaseDep, id: Id) -> Response:  # noqa: A002
    """One silence."""
    statement = SILENCE.select().where(alert_silences.c.id == id)
    return await answer_one(asked, database, Listing(SILENCE, statement, ()), missing(id))


@changes.post("", status_code=201, response_model=MADE, responses={400: problem("The body is no JSON")})
async def create_silence(
    wanted: Annotated[NewSilence, Body(examples=[EXAMPLE])],
    database: DatabaseDep,
    access: AccessDep,
    actor: ActorDep,
    settings: SettingsDep,
    request: Request,
    response: Response,
) -> Any:
    """Tell nobody of alerts that fit all matchers. `fitting` says how many fire now."""
    silence = checked(wanted, datetime.now(UTC), settings.alert_longest_silence)
    definition = silence.document()
    values = {name: getattr(silence, name) for name in ("starts_at", "ends_at")}
    for name in values:
        definition.pop(name)
    writing = insert(alert_silences).values(definition=definition, created_by=actor, **values)
    [row] = await access.store.rows(writing.returning(*[told.label for told in SILENCE.fields]))
    note(request, str(row["id"]), **{name: time.isoformat() for name, time in values.items()})
    response.headers["Location"] = f"/api/v1/silences/{row['id']}"
    return {**row, "fitting": (await fitting(database, silence.matchers)).fitting}


@changes.post("/preview", responses={400: problem("The body is no JSON")})
async def preview_silence(
    wanted: Annotated[Matchers, Body(examples=[{"matchers": EXAMPLE["matchers"]}])], database: DatabaseDep
) -> Preview:
    """Which alerts that fire now matchers would silence. Nothing is silenced."""
    return await fitting(database, wanted.matchers)


@changes.delete("/{id}", status_code=204, responses={404: problem(MISSING)})
async def end_silence(id: Id, access: AccessDep, actor: ActorDep, request: Request) -> None:  # noqa: A002
    """End it now; it stays in the list. One that is over stays as it is."""
    note(request, str(id))
    ending = update(alert_silences).where(alert_silences.c.id == id, alert_silences.c.ends_at > func.now())
    async with access.store.transaction() as connection:
        await connection.execute(ending.values(ends_at=func.now(), ended_by=actor))
        if not await connection.scalar(select(func.count()).where(alert_silences.c.id == id)):
            raise HTTPException(404, missing(id))


def checked(wanted: NewSilence, now: datetime, longest: timedelta) -> SilenceRequest:
    """What is to be kept; raises the problem of one that ends before it begins or is over, or lasts too long."""
    most = longest if wanted.hours is None else LONGEST_RECURRING
    try:
        begin, end = wanted.span(now)
        rest = wanted.model_dump(include={"matchers", "comment"})
        silence = SilenceRequest(starts_at=begin, ends_at=end, hours=wanted.hours, **rest)
    except ValidationError:
        raise bad_body("ends_at", "it has to be after `starts_at`") from None
    except OverflowError:
        raise bad_body("duration", "it ends beyond the calendar") from None
    if end <= now:
        raise bad_body("ends_at", "it is over already: say a later time")
    if end - begin > most:
        again = " (one with `hours` may last a year)" if wanted.hours is None else ""
        raise bad_body("ends_at", f"a silence lasts {duration_text(most)} at most{again}: make it shorter")
    return silence


async def fitting(database: Database, matchers: tuple[str, ...]) -> Preview:
    """What fits all of `matchers`, as alerting will compare them."""
    parsed = [Matcher.parse(text) for text in matchers]
    columns = (alerts.c.id, alerts.c.summary, alerts.c.priority, alerts.c.labels)
    rows = await database.rows(select(*columns).where(alerts.c.state == "firing").order_by(alerts.c.fired_at))
    found = [row for row in rows if all(matcher.matches(row["labels"]) for matcher in parsed)]
    found.sort(key=lambda row: -Priority(row["priority"]).rank)
    shown = [Fitting(id=row["id"], summary=row["summary"], priority=row["priority"]) for row in found[:MOST_SHOWN]]
    return Preview(fitting=len(found), alerts=shown)


def missing(number: int) -> str:
    """What is said of one that there is not."""
    return f"There is no silence {number}: see /api/v1/silences for those there are."
