"""Which names this API answers to, and which other sites' pages may open its WebSocket.

A page of another site can point its own name at 127.0.0.1 (DNS rebinding) or open a WebSocket to it, which browsers
allow across sites. Both show in headers that a page cannot choose. Programs send no Origin and are not concerned.
"""

import re
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.access import metrics
from api.access.granted import Refused
from api.access.guard import PROBES
from api.http import problems
from urbanclear.hosts import is_loopback
from urbanclear.settings import Settings

_HOST: Final = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")


class Hosts:
    """ASGI middleware. On loopback its names and `allowed_hosts` are answered; elsewhere those, or all for none.

    Probes are answered under any name, since those who probe have only an address.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._allowed = {host.lower() for host in settings.allowed_hosts}
        self._checked = is_loopback(settings.api_host) or bool(self._allowed)
        self._origins = set(settings.cors_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or scope["path"].startswith(PROBES):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refused = self._refused(scope["type"], headers.get("host", ""), headers.get("origin"))
        if refused is None:
            await self._app(scope, receive, send)
        else:
            await problems.refuse(refused, scope, receive, send)

    def _refused(self, kind: str, host: str, origin: str | None) -> Refused | None:
        if self._checked and not self._answers_to(host):
            metrics.REFUSED_ORIGINS.labels("host").inc()
            detail = f"{host[:200]!r} is no name of this API: name it in URBANCLEAR_ALLOWED_HOSTS if it is."
            return Refused("host", 421, detail)
        if kind == "websocket" and origin is not None and not self._own(origin, host):
            metrics.REFUSED_ORIGINS.labels("origin").inc()
            detail = f"Pages of {origin[:200]!r} may not connect: name it in URBANCLEAR_CORS_ORIGINS if they may."
            return Refused("origin", 403, detail)
        return None

    def _answers_to(self, host: str) -> bool:
        name = host_name(host)
        return name is not None and (is_loopback(name) or name in self._allowed or host.lower() in self._allowed)

    def _own(self, origin: str, host: str) -> bool:
        return origin in self._origins or origin.lower().partition("://")[2] == host.lower()


def host_name(host: str) -> str | None:
    """The name in a Host header (RFC 9110, 7.2), without its port; None where it is none."""
    found = _HOST.fullmatch(host)
    return found[1].lower() if found else None
