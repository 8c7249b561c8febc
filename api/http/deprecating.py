"""Endpoints on their way out say so in every answer, errors included, for as long as they still work."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from api.http import problems


@dataclass(frozen=True)
class Deprecation:
    """Since when an endpoint should not be used, when it goes, and what takes its place."""

    since: datetime
    sunset: datetime
    successor: str

    @property
    def headers(self) -> dict[str, str]:
        """`Deprecation` (RFC 9745), `Sunset` (RFC 8594) and the link to the successor (RFC 5829)."""
        return {
            "Deprecation": f"@{int(self.since.timestamp())}",
            "Sunset": format_datetime(self.sunset, usegmt=True),
            "Link": f'<{self.successor}>; rel="successor-version"',
        }


def deprecated(deprecation: Deprecation) -> type[APIRoute]:
    """What a router takes as `route_class` so that all its answers carry the headers."""

    class DeprecatedRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def answer(request: Request) -> Response:
                try:
                    response = await handle(request)
                except (HTTPException, RequestValidationError) as error:
                    response = await problems.answer_error(request, error)
                response.headers.update(deprecation.headers)
                return response

            return answer

    return DeprecatedRoute
