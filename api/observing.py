"""What is done with every answer: it is counted and timed, and told what keeps a browser safe."""

import time
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import metrics

SECURITY_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
#: Of Swagger's page, whose script is within it.
DOCS_POLICY: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "base-uri 'none'; frame-ancestors 'none'"
)
PAGE_ROUTE: Final = "page"
DOCS: Final = "/docs"


class Observing:
    """ASGI middleware, around all others."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()

        async def observed(message: Message) -> None:
            if message["type"] == "http.response.start":
                _observe(scope, message, time.perf_counter() - started)
            await send(message)

        await self._app(scope, receive, observed)


def _observe(scope: Scope, message: Message, seconds: float) -> None:
    route = _route(scope)
    metrics.observe(scope["method"], route, message["status"], seconds)
    headers = MutableHeaders(scope=message)
    headers.update(SECURITY_HEADERS)
    if scope["path"] == DOCS:
        headers["Content-Security-Policy"] = DOCS_POLICY
    if route == PAGE_ROUTE:
        headers["Cache-Control"] = "no-cache"  # asks again, so that an upgrade's modules never mix


def _route(scope: Scope) -> str:
    return str(getattr(scope.get("route"), "name", PAGE_ROUTE))
