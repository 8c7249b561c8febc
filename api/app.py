"""The API's application: its routes, its bridge to Kafka, its errors, its page."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException

from api import metrics, websocket
from api.bridge import Bridge, new_hub
from api.database import Database
from api.models import Problem
from api.routes import health, incidents, sensors, traffic
from schema.database import database_url, kafka_bootstrap
from urbanclear import __version__
from urbanclear.logs import get_logger
from urbanclear.settings import Settings

log = get_logger("api")

PAGE = Path(__file__).parent / "page"
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "connect-src 'self' ws: wss:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
V1 = "/api/v1"
PAGE_ROUTE = "page"
DOCS = ("/docs", "/redoc")


def create_app(settings: Settings) -> FastAPI:
    """The application for `settings`; raises `ConfigurationError` where no database or broker is known."""
    database = Database(database_url(settings))
    hub = new_hub()
    bridge = Bridge(hub, database, kafka_bootstrap(settings), settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        following = asyncio.create_task(bridge.run())
        yield
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
        await database.close()

    app = FastAPI(title="Urbanclear", version=__version__, lifespan=lifespan, redoc_url=None)
    app.state.database, app.state.hub, app.state.bridge = database, hub, bridge
    _add_routes(app)
    _add_errors(app)
    app.middleware("http")(_observe)
    return app


def _add_routes(app: FastAPI) -> None:
    for part in (health, sensors, traffic, incidents):
        app.include_router(part.router, prefix=V1, responses={503: {"model": Problem}})
    app.include_router(health.metrics_router)
    app.include_router(websocket.router)
    app.mount("/", StaticFiles(directory=PAGE, html=True), name="page")


def _add_errors(app: FastAPI) -> None:
    app.add_exception_handler(DBAPIError, _database_away)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _bad_request)


async def _database_away(_: Request, error: Exception) -> Response:
    log.warning("api.database_away", error=str(error).splitlines()[0])
    detail = "The database does not answer; try again in a few seconds."
    return _problem(Problem(title="Database away", status=503, detail=detail), {"Retry-After": "5"})


async def _http_error(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return _problem(Problem(title="Not possible", status=status, detail=str(getattr(error, "detail", error))))


async def _bad_request(_: Request, error: Exception) -> Response:
    problems = error.errors() if isinstance(error, RequestValidationError) else []
    detail = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in problems)
    return _problem(Problem(title="Bad request", status=422, detail=detail))


def _problem(problem: Problem, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse(problem.model_dump(), problem.status, headers=headers, media_type="application/problem+json")


async def _observe(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Count the request, and add what keeps a browser safe."""
    started = time.perf_counter()
    response = await call_next(request)
    route = getattr(request.scope.get("route"), "name", PAGE_ROUTE)
    metrics.REQUESTS.labels(request.method, route, response.status_code).inc()
    metrics.REQUEST_SECONDS.labels(route).observe(time.perf_counter() - started)
    if not request.url.path.startswith(DOCS):
        response.headers.update(SECURITY_HEADERS)
    if route == PAGE_ROUTE:
        response.headers["Cache-Control"] = "no-cache"  # asks again, so that an upgrade's modules never mix
    return response
