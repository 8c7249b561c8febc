"""Every error the API answers, as a problem after RFC 9457."""

from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from psycopg.errors import QueryCanceled
from pydantic import BaseModel, Field
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from api.access.granted import Refused
from api.http.methods import methods_of
from api.observing import DOCS
from urbanclear.errors import NotDelivered
from urbanclear.logs import get_logger

log = get_logger("api")

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = {"Retry-After": "5"}


class Problem(BaseModel):
    """An error, after RFC 9457."""

    type: str = "about:blank"
    title: str = Field("", description="the status's own phrase", examples=["Unprocessable Content"])
    status: int
    detail: str = Field(description="what is wrong, and what to do next")

    def model_post_init(self, _: object) -> None:
        self.title = HTTPStatus(self.status).phrase


def add_to(app: FastAPI) -> None:
    """Let `app` answer errors as problems."""
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(DataError, _unfit)
    app.add_exception_handler(DBAPIError, _database_away)
    app.add_exception_handler(NoConnection, _database_away)
    app.add_exception_handler(NotDelivered, _kafka_away)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(405, _wrong_method)
    app.add_exception_handler(RequestValidationError, _bad_request)
    app.add_exception_handler(Exception, _bug)


def answer(problem: Problem, headers: dict[str, str] | None = None) -> Response:
    """The response that tells of `problem`."""
    return JSONResponse(problem.model_dump(), problem.status, headers=headers, media_type=MEDIA_TYPE)


def answer_refused(refused: Refused) -> Response:
    """The response to a request that its sender may not make."""
    problem = Problem(status=refused.status, detail=refused.detail)
    return answer(problem, dict(refused.headers))


async def refuse(refused: Refused, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer it where no route was reached yet, be it a request or a WebSocket's handshake."""
    response = answer_refused(refused)
    if scope["type"] == "http":
        await response(scope, receive, send)
    else:
        await WebSocket(scope, receive, send).send_denial_response(response)


def bad_parameter(name: str, what: str) -> RequestValidationError:
    """What is raised where a query parameter cannot be used; `what` says why and what to say instead."""
    return RequestValidationError([{"type": "value_error", "loc": ("query", name), "msg": what}])


def bad_body(name: str, what: str) -> RequestValidationError:
    """As `bad_parameter`, of a field of the body."""
    return RequestValidationError([{"type": "value_error", "loc": ("body", name), "msg": what}])


async def answer_error(request: Request, error: HTTPException | RequestValidationError) -> Response:
    """What the application would answer for `error`."""
    tell = _bad_request if isinstance(error, RequestValidationError) else _http_error
    return await tell(request, error)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)  # noqa: S101
    return answer_refused(error)


async def _unfit(_: Request, error: Exception) -> Response:
    detail = "A value cannot be used in a query: it holds a character, or is of a size, that the database refuses."
    log.info("api.unfit", error=str(error).splitlines()[0])
    return answer(Problem(status=422, detail=detail))


async def _bug(request: Request, error: Exception) -> Response:
    """What nobody thought of; the server logs where it came from."""
    detail = "Something went wrong here, not with the request: see the API's log."
    log.error("api.bug", path=request.url.path, error=repr(error))
    return answer(Problem(status=500, detail=detail))


async def _database_away(_: Request, error: Exception) -> Response:
    if isinstance(error, DBAPIError) and isinstance(error.orig, QueryCanceled):
        detail = "The database took too long: ask for a shorter span or for less of the city."
        return answer(Problem(status=503, detail=detail), RETRY_AFTER)
    log.warning("api.database_away", error=str(error).splitlines()[0])
    detail = "The database does not answer; try again in a few seconds."
    return answer(Problem(status=503, detail=detail), RETRY_AFTER)


async def _kafka_away(_: Request, error: Exception) -> Response:
    log.warning("api.kafka_away", error=str(error))
    return answer(Problem(status=503, detail=str(error)), RETRY_AFTER)


async def _http_error(_: Request, error: Exception) -> Response:
    status, headers = (error.status_code, error.headers) if isinstance(error, HTTPException) else (500, None)
    detail = str(getattr(error, "detail", error))
    if detail == HTTPStatus.NOT_FOUND.phrase:  # no route has this path
        detail = f"There is nothing at this address: {DOCS} has all there are."
    return answer(Problem(status=status, detail=detail), dict(headers or {}))


async def _wrong_method(request: Request, error: Exception) -> Response:
    answered = await _http_error(request, error)
    answered.headers["Allow"] = ", ".join(methods_of(request.app.openapi(), request.url.path)) or "GET, HEAD"
    return answered


async def _bad_request(_: Request, error: Exception) -> Response:
    problems = error.errors() if isinstance(error, RequestValidationError) else []
    detail = "; ".join(
        f"{'.'.join(map(str, item['loc']))}: {item['msg'].removeprefix('Value error, ')}" for item in problems
    )
    return answer(Problem(status=422, detail=detail))
