"""`/api/v1/alert-rules/dry-run` and `…/backtest`, and `/api/v1/alert-requests` with the answers."""

from datetime import timedelta
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Body, Path, Query, Request, Response
from sqlalchemy import RowMapping

from api.access.audit import note
from api.access.granted import Granted, forbidden
from api.deps import AccessDep, ActorDep, DatabaseDep
from api.http.answering import LIVE
from api.http.describing import Responses, problem
from api.http.problems import bad_parameter
from api.http.times import span_of
from api.resources.alert_requests.asking import OVER, answer_of, ask
from api.resources.alert_requests.shapes import ANSWER, EXAMPLE, REQUEST, Backtest, DryRun
from api.resources.filters import NO_NUL
from schema.alerting.rules import Rule
from schema.scopes import Scope
from urbanclear.durations import parse_duration
from urbanclear.errors import ConfigurationError

router = APIRouter(tags=["alerts"])
changes = APIRouter(tags=["alerts"])

LONGEST_WAIT: Final = timedelta(seconds=30)
V1: Final = "/api/v1/alert-requests"
ASKS: Final[Responses] = {
    200: {"description": "The answer, where it came within `wait`"},
    202: {"model": ANSWER, "description": "It is being worked out: ask `Location` for the answer"},
    400: problem("The body is no JSON"),
}

Id = Annotated[str, Path(max_length=200, pattern=NO_NUL, examples=["5f0c1d2e"])]
Wait = Annotated[
    str | None, Query(max_length=20, description="how long to wait for the answer, up to `30s`", examples=["5s"])
]


@changes.post("/alert-rules/dry-run", response_model=ANSWER, responses=ASKS)
async def dry_run_alert_rule(
    asked: Annotated[DryRun, Body(examples=[EXAMPLE])],
    database: DatabaseDep,
    access: AccessDep,
    actor: ActorDep,
    request: Request,
    wait: Wait = None,
) -> Response:
    """Which alerts a rule would raise now; nobody is told of them. A query of SQL needs the scope `admin`."""
    within = _within(wait)
    _check_scope(request, asked.rule)
    number = await ask(database, access.store, "dry_run", asked.document(), actor)
    note(request, number, rule=asked.rule.name)
    return _told(await answer_of(database, number, within), asking=True)


@changes.post("/alert-rules/backtest", response_model=ANSWER, responses=ASKS)
async def backtest_alert_rule(
    asked: Annotated[Backtest, Body(examples=[{**EXAMPLE, "from": "-7d"}])],
    database: DatabaseDep,
    access: AccessDep,
    actor: ActorDep,
    request: Request,
    wait: Wait = None,
) -> Response:
    """Which alerts a rule would have raised, and for how long. A query of SQL needs the scope `admin`."""
    within = _within(wait)
    _check_scope(request, asked.rule)
    span = await span_of(database, asked.from_, asked.to, default=timedelta(days=1))
    body = {"rule": asked.rule.document(), "from": span.start.isoformat(), "to": span.end.isoformat()}
    number = await ask(database, access.store, "backtest", body, actor)
    note(request, number, rule=asked.rule.name)
    return _told(await answer_of(database, number, within), asking=True)


@router.get("/alert-requests/{id}", response_model=ANSWER, responses={404: problem("There is no such request")})
async def one_alert_request(database: DatabaseDep, id: Id, wait: Wait = None) -> Response:  # noqa: A002
    """How far a question has come, and its answer once it is `done`; `error` says why it is `failed`."""
    return _told(await answer_of(database, id, _within(wait)))


def _told(row: RowMapping, *, asking: bool = False) -> Response:
    headers = {"Cache-Control": LIVE}
    if asking:
        headers["Location"] = f"{V1}/{row['id']}"
    content: dict[str, Any] = {told.name: row[told.name] for told in REQUEST.fields}
    status = 202 if asking and row["state"] not in OVER else 200
    return Response(msgspec.json.encode(content), status, headers, "application/json")


def _within(wait: str | None) -> timedelta:
    if wait is None:
        return timedelta(0)
    try:
        within = parse_duration(wait)
    except ConfigurationError as error:
        raise bad_parameter("wait", str(error).rstrip(".")) from None
    if within > LONGEST_WAIT:
        raise bad_parameter("wait", "30s is the longest: ask again for the answer")
    return within


def _check_scope(request: Request, rule: Rule) -> None:
    """An analyst's query may read whatever analysts may: who may not write rules does not run one either."""
    granted: Granted = request.state.granted
    if rule.when.kind == "sql" and Scope.ADMIN not in granted.scopes:
        raise forbidden(Scope.ADMIN)
