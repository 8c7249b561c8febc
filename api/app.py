"""The API's application: its routes, its ways from and to Kafka, its page."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Depends, FastAPI
from fastapi.staticfiles import StaticFiles
from fastapi_offline import FastAPIOffline
from starlette.middleware.cors import CORSMiddleware
from starlette_compress import CompressMiddleware

from api import freshness
from api.access.access import Access
from api.access.audit import Audit
from api.access.authorization import requires
from api.access.guard import Guard
from api.access.hosts import Hosts
from api.database import Database
from api.graphql import routes as graphql
from api.http import describing, problems
from api.http.asking import only_known_parameters
from api.http.bounding import BodyBound
from api.http.heads import Heads
from api.http.openapi import document_of
from api.http.sharing import Sharing
from api.live import asyncapi, event_stream
from api.live import status as live_status
from api.live.bridge import Bridge, new_hub
from api.live.websocket import LiveSockets
from api.observing import Observing
from api.push import Push
from api.resources.alert_definitions import routes as alert_definitions
from api.resources.alert_requests import routes as alert_requests
from api.resources.alerts import routes as alerts
from api.resources.audit import routes as audit
from api.resources.compare import routes as compare
from api.resources.corridors import routes as corridors
from api.resources.exports import routes as exports
from api.resources.history import routes as history
from api.resources.incidents import routes as incidents
from api.resources.incidents.reporting import Reporting
from api.resources.insights import routes as insights
from api.resources.keys import routes as keys
from api.resources.measures import routes as measures
from api.resources.notifications import routes as notifications
from api.resources.patterns import routes as patterns
from api.resources.predictions import routes as predictions
from api.resources.readings import routes as readings
from api.resources.routes import routes
from api.resources.routes.knowledge import Networks
from api.resources.runs import routes as runs
from api.resources.sensors import routes as sensors
from api.resources.silences import routes as silences
from api.resources.system import health
from api.resources.system import routes as system
from api.resources.traffic import routes as traffic
from api.resources.weather import routes as weather
from schema.database import database_url, kafka_bootstrap
from schema.scopes import Scope
from urbanclear import __version__
from urbanclear.public_holidays import public_holidays
from urbanclear.settings import Settings

PAGE = Path(__file__).parent / "page"
V1 = "/api/v1"
#: Headers of an answer that pages of other sites may see, beyond those that they always may.
EXPOSED: Final = (
    *("ETag", "Location", "Content-Disposition", "Retry-After", "RateLimit", "RateLimit-Policy"),
    *("Deprecation", "Sunset", "Link"),
)


def create_app(settings: Settings) -> FastAPI:
    """The application for `settings`; raises `ConfigurationError` where no database or broker is known."""
    public_holidays(settings.holidays)  # a region that nobody knows is told now, not at the first question
    database = Database(database_url(settings))
    hub = new_hub(settings)
    bridge = Bridge(hub, database, kafka_bootstrap(settings), settings)
    push = Push(kafka_bootstrap(settings), settings.push_timeout.total_seconds())
    access = Access(database_url(settings), settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with access.running():
            following = [asyncio.create_task(work) for work in (bridge.run(), freshness.follow(database))]
            yield
            for task in following:
                task.cancel()
            for task in following:
                with suppress(asyncio.CancelledError):
                    await task
        await push.close()
        await database.close()

    app = FastAPIOffline(
        title="Urbanclear",
        version=__version__,
        lifespan=lifespan,
        redoc_url=None,
        static_url="/docs/assets",
        favicon_url="/icon.svg",
    )
    app.state.settings, app.state.database = settings, database
    app.state.hub, app.state.bridge, app.state.push = hub, bridge, push
    app.state.access, app.state.networks = access, Networks()
    app.state.reporting = Reporting(push, database, settings)
    _add_routes(app)
    problems.add_to(app)
    app.openapi = partial(document_of, app)  # type: ignore[method-assign]
    _add_middleware(app, access, settings)
    return app


def _add_middleware(app: FastAPI, access: Access, settings: Settings) -> None:
    """The last one added is the first to see a request."""
    app.add_middleware(BodyBound, most_bytes=settings.push_most_bytes)
    app.add_middleware(CompressMiddleware, minimum_size=1_000, zstd_level=1, gzip_level=3, brotli=False)
    app.add_middleware(Audit, audit=access.audit)
    if settings.shared_answers:
        app.add_middleware(Sharing, prefix=V1, seconds=settings.shared_answers.total_seconds())
    app.add_middleware(LiveSockets)
    app.add_middleware(Guard, authentication=access.authentication, limits=access.limits)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["*"],
            allow_headers=["Authorization", "If-Match", "If-None-Match"],
            expose_headers=EXPOSED,
        )
    app.add_middleware(Heads, endless=f"{V1}/stream/")
    app.add_middleware(Hosts, settings=settings)
    app.add_middleware(Observing)


#: In this order: a sensor's id may hold slashes, so that paths that go on after one are matched before it.
READ: Final = (
    *(history, patterns, traffic, sensors, compare, corridors, measures, incidents, predictions, weather, exports),
    *(insights, runs, routes, health),
    *(alert_definitions, alert_requests, alerts, notifications, silences),
)


def _add_routes(app: FastAPI) -> None:
    for part in READ:
        _add(app, part.router, Scope.READ)
    _add(app, system.router, Scope.READ)
    _add(app, incidents.reports, Scope.REPORT)
    _add(app, incidents.changes, Scope.OPERATE)
    for part in (alert_requests, alerts, silences):
        _add(app, part.changes, Scope.OPERATE)
    _add(app, readings.router, Scope.REPORT)
    _add(app, alert_definitions.changes, Scope.ADMIN)
    _add(app, notifications.changes, Scope.ADMIN)
    _add(app, keys.router, Scope.ADMIN)
    _add(app, audit.router, Scope.ADMIN)
    app.include_router(health.probes)
    app.include_router(health.metrics_router, dependencies=[requires(Scope.READ)])
    _add(app, event_stream.router, Scope.READ)
    _add(app, live_status.router, Scope.READ)
    _add(app, graphql.router, Scope.READ, prefix="")
    app.include_router(asyncapi.router)
    app.mount("/", StaticFiles(directory=PAGE, html=True), name="page")


def _add(app: FastAPI, router: APIRouter, scope: Scope, *, prefix: str = V1) -> None:
    dependencies = [requires(scope), Depends(only_known_parameters)]
    app.include_router(router, prefix=prefix, dependencies=dependencies, responses=describing.COMMON)
