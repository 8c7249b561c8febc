"""A feed's server on loopback that answers what a test tells it to, the mistakes of real ones included.

    server.answers(Answer(body), Answer(status=429, headers={"retry-after": "7"}), …)

gives them in turn; the last one is given again and again. `requests` is what was asked.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

JSON = "application/json"


@dataclass(frozen=True)
class Answer:
    """An answer. With an `etag` among its headers, a question that names it is answered with 304.

    `sent` is how much of the body is sent before the connection is closed, None for all of it; a `silent` server
    takes the question and says nothing.
    """

    body: bytes = b""
    media_type: str | None = JSON
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    sent: int | None = None
    silent: bool = False


@dataclass(frozen=True)
class Request:
    target: str
    headers: dict[str, str]


class FeedServer:
    """Where the fixture's server is, what it answers, and what it was asked."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.url = f"{origin}/feed"
        self.requests: list[Request] = []
        self._answers: list[Answer] = []

    def answers(self, *answers: Answer) -> None:
        """What to answer from now on."""
        self._answers = list(answers)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one question."""
        try:
            request = _request(await reader.readuntil(b"\r\n\r\n"))
            self.requests.append(request)
            answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
            if answer.silent:
                await reader.read()  # until the other side gives up
            else:
                writer.write(_encoded(answer, request))
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def running_server() -> AsyncIterator[FeedServer]:
    """A server for the length of a test."""
    listening = await asyncio.start_server(lambda *streams: feed.serve(*streams), "127.0.0.1", 0)
    host, port = listening.sockets[0].getsockname()
    feed = FeedServer(f"http://{host}:{port}")
    async with listening:
        yield feed


def _request(head: bytes) -> Request:
    first, *lines = head.decode().split("\r\n")
    pairs = [line.split(": ", 1) for line in lines if line]
    return Request(first.split(" ")[1], {name.lower(): value for name, value in pairs})


def _encoded(answer: Answer, request: Request) -> bytes:
    etag = answer.headers.get("etag")
    modified = answer.headers.get("last-modified")
    asked = request.headers
    unchanged = (etag and asked.get("if-none-match") == etag) or (
        modified and asked.get("if-modified-since") == modified
    )
    status, body = (304, b"") if unchanged else (answer.status, answer.body)
    lines = [f"HTTP/1.1 {status} X", "Connection: close", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    lines += [f"Content-Type: {answer.media_type}"] if answer.media_type is not None else []
    return "\r\n".join([*lines, "", ""]).encode() + body[: answer.sent]
