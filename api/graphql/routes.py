"""`/graphql`: one operation a request."""

from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from graphql import GraphQLError
from pydantic import BaseModel, Field
from sqlalchemy.exc import InterfaceError, OperationalError
from strawberry.exceptions import MissingQueryError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.execution import ExecutionResult

from api.database import Database
from api.deps import DatabaseDep, SettingsDep
from api.graphql import metrics
from api.graphql.loaders import Loaders
from api.graphql.schema import MAKERS, new_schema
from api.http.body import read_body
from api.http.describing import Responses, problem
from api.resources.patterns.normal import Calendar
from schema.events import UNREADABLE
from urbanclear.logs import get_logger
from urbanclear.settings import Settings

log = get_logger("api")
router = APIRouter(tags=["graphql"])

MOST_BYTES: Final = 64 * 1024
MOST_ADDRESS: Final = 1_500  # characters: an address that is longer is refused by much that is on the way
RESPONSES: Final[Responses] = {
    400: problem("The body is no request of GraphQL"),
    413: problem("The body is too long"),
}


class Asked(msgspec.Struct, rename="camel"):
    """A request, after the GraphQL over HTTP draft."""

    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = None


class Answer(BaseModel):
    """What is answered; with errors `data` may be there in part."""

    data: dict[str, Any] | None = Field(None, examples=[{"sensor": {"name": "FDR N Catherine Slip - 25th St"}}])
    errors: list[dict[str, Any]] | None = Field(
        None, examples=[[{"message": "from is not before to", "extensions": {"code": "BAD_USER_INPUT"}}]]
    )


class Context(Loaders):
    """What resolvers are given."""

    def __init__(self, database: Database, settings: Settings) -> None:
        super().__init__(database, MAKERS, Calendar(settings.time_zone, settings.holidays))


EXAMPLE: Final = '{ sensors(first: 2, area: "Manhattan") { nodes { sensor current { speedKmh los } } } }'
_BODY: Final = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["query"],
                    "properties": {
                        "query": {"type": "string"},
                        "variables": {"type": ["object", "null"]},
                        "operationName": {"type": ["string", "null"]},
                    },
                },
                "example": {"query": EXAMPLE},
            }
        },
    }
}


@router.post("/graphql", response_model=Answer, responses=RESPONSES, openapi_extra=_BODY)
async def post(request: Request, database: DatabaseDep, settings: SettingsDep) -> Response:
    """Run a query: sensors with readings, incidents and predictions in one round trip."""
    body = await read_body(request, MOST_BYTES)
    try:
        asked = msgspec.json.decode(body, type=Asked)
    except UNREADABLE as error:
        raise HTTPException(400, f'The body is no request: {error}; send {{"query": "{{ … }}"}}.') from None
    return await _answer(request, asked, database, settings)


@router.get("/graphql", response_model=Answer, responses=RESPONSES)
async def get(
    request: Request,
    database: DatabaseDep,
    settings: SettingsDep,
    query: Annotated[str, Query(max_length=MOST_ADDRESS, examples=[EXAMPLE])],
    variables: Annotated[str | None, Query(max_length=MOST_ADDRESS, description="a JSON object")] = None,
    operation_name: Annotated[str | None, Query(alias="operationName", max_length=200)] = None,
) -> Response:
    """Run a query that is in the address."""
    try:
        said = msgspec.json.decode(variables, type=dict[str, Any]) if variables else None
    except UNREADABLE as error:
        raise HTTPException(400, f"variables is no JSON object: {error}.") from None
    return await _answer(request, Asked(query, said, operation_name), database, settings)


async def _answer(request: Request, asked: Asked, database: Database, settings: Settings) -> Response:
    try:
        result = await _schema(request).execute(
            asked.query,
            variable_values=asked.variables,
            operation_name=asked.operation_name,
            context_value=Context(database, settings),
        )
    except (MissingQueryError, CannotGetOperationTypeError, InvalidOperationTypeError) as error:
        raise HTTPException(400, f"The request names no operation that can be run: {error}.") from None
    assert isinstance(result, ExecutionResult)  # noqa: S101
    for failed in result.errors or []:
        if isinstance(failed.original_error, OperationalError | InterfaceError):
            raise failed.original_error  # the database away is a problem of the whole request, as it is for REST
    outcome = "ok" if not result.errors else ("failed" if result.data else "invalid")
    metrics.OPERATIONS.labels(outcome).inc()
    content: dict[str, Any] = {"data": result.data}
    if result.errors:
        content["errors"] = [_told(error) for error in result.errors]
    return Response(msgspec.json.encode(content), media_type="application/json")


def _schema(request: Request) -> Any:
    state = request.app.state
    if not hasattr(state, "graphql"):
        state.graphql = new_schema(state.settings.graphql_budget)
    return state.graphql


def _told(error: GraphQLError) -> dict[str, Any]:
    """The error without what is ours alone to know."""
    cause = error.original_error
    told: dict[str, Any] = dict(error.formatted)
    if isinstance(cause, RequestValidationError):
        told["message"] = "; ".join(str(item["msg"]) for item in cause.errors())
    elif isinstance(cause, HTTPException):
        told["message"] = str(cause.detail)
    elif cause is None or isinstance(cause, GraphQLError):
        return {**told, "extensions": {"code": "INVALID", **told.get("extensions", {})}}
    else:
        log.error("graphql.failed", error=repr(cause))
        told["message"] = "this could not be answered: see the API's log, or ask for less"
        return {**told, "extensions": {"code": "INTERNAL"}}
    return {**told, "extensions": {"code": "BAD_USER_INPUT"}}
