"""The API's application: its routes, its ways from and to Kafka, its page."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

from fastapi import Depends, FastAPI, Request, Response
from fastapi.staticfiles import StaticFiles
from starlette_compress import CompressMiddleware

from api import metrics
from api.database import Database
from api.http import describing, problems
from api.http.asking import only_known_parameters
from api.http.bounding import BodyBound
from api.http.openapi import document_of
from api.live import asyncapi, event_stream
from api.live import status as live_status
from api.live.bridge import Bridge, new_hub
from api.live.websocket import LiveSockets
from api.push import Push
from api.resources.compare import routes as compare
from api.resources.corridors import routes as corridors
from api.resources.exports import routes as exports
from api.resources.history import routes as history
from api.resources.incidents import routes as incidents
from api.resources.incidents.reporting import Reporting
from api.resources.measures import routes as measures
from api.resources.patterns import routes as patterns
from api.resources.predictions import routes as predictions
from api.resources.readings import routes as readings
from api.resources.sensors import routes as sensors
from api.resources.system import health
from api.resources.system import routes as system
from api.resources.traffic import routes as traffic
from api.resources.weather import routes as weather
from schema.database import database_url, kafka_bootstrap
from urbanclear import __version__
from urbanclear.settings import Settings

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
    hub = new_hub(settings)
    bridge = Bridge(hub, database, kafka_bootstrap(settings), settings)
    push = Push(kafka_bootstrap(settings), settings.push_timeout.total_seconds())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        following = asyncio.create_task(bridge.run())
        yield
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
        await push.close()
        await database.close()

    app = FastAPI(title="Urbanclear", version=__version__, lifespan=lifespan, redoc_url=None)
    app.state.settings, app.state.database = settings, database
    app.state.hub, app.state.bridge, app.state.push = hub, bridge, push
    app.state.reporting = Reporting(push, database, settings)
    _add_routes(app)
    problems.add_to(app)
    app.openapi = partial(document_of, app)  # type: ignore[method-assign]
    app.add_middleware(LiveSockets)
    app.add_middleware(BodyBound, most_bytes=settings.push_most_bytes)
    app.add_middleware(CompressMiddleware, minimum_size=1_000, brotli=False)
    app.middleware("http")(_observe)
    return app


#: In this order: a sensor's id may hold slashes, so that paths that go on after one are matched before it.
READ: Final = (
    *(history, patterns, traffic, sensors, compare, corridors, measures, incidents, predictions, weather, exports),
    health,
)


def _add_routes(app: FastAPI) -> None:
    common: dict[str, Any] = {
        "prefix": V1,
        "dependencies": [Depends(only_known_parameters)],
        "responses": describing.COMMON,
    }
    for part in READ:
        app.include_router(part.router, **common)
    app.include_router(system.router, **common)
    app.include_router(incidents.writing, **common)
    app.include_router(readings.router, **common)
    app.include_router(health.probes)
    app.include_router(health.metrics_router)
    app.include_router(event_stream.router, **common)
    app.include_router(live_status.router, **common)
    app.include_router(asyncapi.router)
    app.mount("/", StaticFiles(directory=PAGE, html=True), name="page")


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
