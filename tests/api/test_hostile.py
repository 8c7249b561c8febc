"""Clients that are slow, endless or malformed are answered with 4xx or cut off, and are in nobody's way."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest

from api import connection, server
from tests.api.conftest import LiveApi, running_api
from tests.waiting import until
from urbanclear.embedded.ports import choose
from urbanclear.settings import LOOPBACK, Settings

NOWHERE = {
    "database_url": "postgresql://nobody@127.0.0.1:1/none",
    "kafka_bootstrap": "127.0.0.1:1",
    "open_reads": "true",
}
SHORT = 0.5
ALIVE = b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
SLOW_HEAD = b"GET / HTTP/1.1\r\nX-Slow: " + b"a" * 1_000


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def raw(port: int, sent: bytes) -> bytes:
    """What is answered until the server closes, or until a whole answer is there."""
    async with asyncio.timeout(20), connected(port) as (reader, writer):
        writer.write(sent)
        return await reader.read(65_536)


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


async def is_alive(port: int) -> bool:
    async with asyncio.timeout(5):
        return status_of(await raw(port, ALIVE)) == 200


def port_of(api: LiveApi) -> int:
    return int(api.url.rsplit(":", 1)[1])


@pytest.fixture
async def hasty(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """The port of an API that waits for nobody for long."""
    for name in ("HEAD_SECONDS", "BODY_SECONDS", "TAKING_SECONDS", "LINGERING_SECONDS"):
        monkeypatch.setattr(connection, name, SHORT)
    async with running_api(Settings.model_validate(NOWHERE), bridged=False) as api:
        yield port_of(api)


async def dribble(writer: asyncio.StreamWriter, text: bytes, every: float = 0.05) -> None:
    """A byte at a time, over and over."""
    try:
        while not writer.is_closing():
            for byte in text:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(every)
    except ConnectionError:
        return


POSTED = (
    b"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 50000\r\n\r\n"
)


@pytest.mark.parametrize(
    ("first", "then", "status"),
    [
        (b"", SLOW_HEAD, 408),
        (b"", b"\r\n", 408),
        (POSTED, b'{"query": "' + b"a" * 1_000, 408),
        (ALIVE, SLOW_HEAD, 408),
        (ALIVE, b"\r\n", 408),
        (b"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n", 408),
    ],
    ids=["headers", "empty lines", "body", "headers of a second request", "empty lines after a request", "chunks"],
)
async def test_who_dribbles_is_cut_off_after_a_bound(hasty: int, first: bytes, then: bytes, status: int) -> None:
    async with asyncio.timeout(20), connected(hasty) as (reader, writer):
        writer.write(first)
        if first == ALIVE:
            assert status_of(await reader.readuntil(b"}")) == 200
        began = time.perf_counter()
        dribbling = asyncio.create_task(dribble(writer, then))
        answer = await reader.read()
        took = time.perf_counter() - began
        dribbling.cancel()
        await asyncio.wait([dribbling])
    assert status_of(answer) == status
    assert SHORT * 0.9 <= took < 10
    assert await is_alive(hasty)


async def test_who_goes_on_sending_after_a_refusal_is_cut_off(hasty: int) -> None:
    async with asyncio.timeout(20), connected(hasty) as (reader, writer):
        writer.write(b"nonsense\r\n\r\n")
        assert status_of(await reader.read()) == 400
        await dribble(writer, b"a")
    assert await is_alive(hasty)


async def test_who_says_nothing_is_cut_off_without_a_word(hasty: int) -> None:
    async with asyncio.timeout(10), connected(hasty) as (reader, _):
        assert await reader.read() == b""


async def test_a_body_that_comes_steadily_may_take_longer_than_the_bound(
    monkeypatch: pytest.MonkeyPatch, hasty: int
) -> None:
    monkeypatch.setattr(connection, "BODY_BYTES_PER_SECOND", 2_000)
    monkeypatch.setattr(connection, "HEAD_SECONDS", 20.0)  # the body alone is in question, however busy the machine
    began = time.perf_counter()
    async with asyncio.timeout(20), connected(hasty) as (reader, writer):
        writer.write(POSTED)
        for _ in range(25):
            writer.write(b" " * 2_000)
            await writer.drain()
            await asyncio.sleep(0.06)
        assert status_of(await reader.read(65_536)) in (400, 503)
    assert time.perf_counter() - began > SHORT * 2


async def test_who_takes_nothing_of_a_long_answer_is_cut_off(hasty: int) -> None:
    ask = b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    async with connected(hasty) as (_, writer):
        writer.transport.pause_reading()  # type: ignore[attr-defined]

        async def cut_off() -> bool:
            writer.write(ask)
            return writer.is_closing()

        await until(cut_off, timeout=20, what="the end of a connection that takes nothing")
    assert await is_alive(hasty)


async def test_a_request_beyond_the_most_connections_is_503(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HTTP_CONNECTIONS", 4)
    settings = Settings.model_validate({**NOWHERE, "live_clients": 1})
    async with running_api(settings, bridged=False) as api:
        port = port_of(api)

        async def is_full() -> bool:
            return status_of(await raw(port, ALIVE)) == 503

        async with AsyncExitStack() as held:
            for _ in range(5):
                await held.enter_async_context(connected(port))
            await until(is_full, timeout=5, what="503 for one too many")
        await until(lambda: is_alive(port), timeout=5, what="room again")


@asynccontextmanager
async def process(folder: Path) -> AsyncIterator[int]:
    """The port of a real `urbanclear api`."""
    port = choose(1, [])[0]
    stated = {f"URBANCLEAR_{name.upper()}": value for name, value in NOWHERE.items()}
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "urbanclear", "api"),
        env={**os.environ, **stated, "URBANCLEAR_API_PORT": str(port), "PYTHONPATH": str(Path(__file__).parents[2])},
        cwd=folder,
        stderr=asyncio.subprocess.DEVNULL,
    )

    async def answers() -> bool:
        try:
            return await is_alive(port)
        except OSError:
            return False

    try:
        await until(answers, what="the API's start")
        yield port
    finally:
        running.send_signal(signal.SIGTERM)
        async with asyncio.timeout(15):
            await running.wait()


REQUESTS = {
    b"GET /../../etc/passwd HTTP/1.1\r\nHost: 127.0.0.1": (400, 404),
    b"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: 127.0.0.1": (400, 404),
    b"GET /..%2f..%2fetc%2fpasswd HTTP/1.1\r\nHost: 127.0.0.1": (400, 404),
    b"GET //etc/passwd HTTP/1.1\r\nHost: 127.0.0.1": (400, 404),
    b"GET /%00 HTTP/1.1\r\nHost: 127.0.0.1": (400, 404),
    b"GET /index.html%00.js HTTP/1.1\r\nHost: 127.0.0.1": (400, 404),
    b"GET /" + b"a" * 300 + b" HTTP/1.1\r\nHost: 127.0.0.1": (400, 404),
    b"GET /\xff HTTP/1.1\r\nHost: 127.0.0.1": (400, 404),
    b"GET /%ff%fe HTTP/1.1\r\nHost: 127.0.0.1": (400, 404),
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * 70_000: (431,),
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1" + b"\r\nX: a" * 30_000: (431,),
    b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: 127.0.0.1": (400, 431),
    b"nonsense": (400,),
    b"GET / HTTP/9.9\r\nHost: 127.0.0.1": (400,),
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03": (400,),
    b"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1": (400,),
    b"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999999999999": (400,),
    b"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked": (400,),
    b"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzz": (400,),
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nna me: 1": (400,),
}


async def test_a_real_process_stays_whole_and_at_hand_whatever_is_sent_to_it(tmp_path: Path) -> None:
    async with process(tmp_path) as port, AsyncExitStack() as held:
        slow = [await held.enter_async_context(connected(port)) for _ in range(200)]
        began = time.perf_counter()
        dribbling = [asyncio.create_task(dribble(writer, SLOW_HEAD, every=1)) for _, writer in slow]
        for request, allowed in REQUESTS.items():
            answer = await raw(port, request + b"\r\n\r\n")
            assert status_of(answer) in allowed, (request[:60], answer[:200])
        asked = time.perf_counter()
        assert await is_alive(port)
        assert time.perf_counter() - asked < 2
        async with asyncio.timeout(connection.HEAD_SECONDS + 10):
            answers = await asyncio.gather(*[reader.read() for reader, _ in slow])
        assert time.perf_counter() - began >= connection.HEAD_SECONDS * 0.9
        for task in dribbling:
            task.cancel()
        await asyncio.wait(dribbling)
        assert {status_of(answer) for answer in answers} == {408}


async def test_what_cannot_be_parsed_is_told_as_a_problem(hasty: int) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"http://{LOOPBACK}:{hasty}/", headers={"X": "a" * 70_000})
    assert (answer.status_code, answer.headers["content-type"]) == (431, "application/problem+json")
    assert answer.json()["title"] == "Request Header Fields Too Large"


def test_the_bounds_are_documented() -> None:
    text = " ".join((Path(__file__).parents[2] / "docs" / "api.md").read_text().split())
    assert f"whole within {connection.HEAD_SECONDS:.0f} s and {connection.MOST_HEAD_BYTES:,} bytes" in text
    assert f"a body within {connection.BODY_SECONDS:.0f} s and a second more for each" in text
    assert f"each {connection.BODY_BYTES_PER_SECOND:,} bytes" in text
    assert f"takes nothing of its answer for {connection.TAKING_SECONDS:.0f} s" in text
    assert f"Beyond {server.HTTP_CONNECTIONS:,} connections" in text
