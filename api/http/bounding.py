"""No request's body is longer than the longest that any route takes, whether its length is said or not."""

from fastapi import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send


def too_long(most_bytes: int) -> HTTPException:
    """413, with the bound."""
    return HTTPException(413, f"The body is longer than {most_bytes} bytes; send it in parts.")


class BodyBound:
    """ASGI middleware: raises 413 where a route reads more than `most_bytes`, and what is not read costs nothing."""

    def __init__(self, app: ASGIApp, most_bytes: int) -> None:
        self._app = app
        self._most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        read = 0

        async def bounded() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._most_bytes:
                raise too_long(self._most_bytes)
            return message

        return await self._app(scope, bounded, send)
