"""Readings pushed by HTTP: what is accepted is in Kafka, what is not is told, and nobody else gets in."""

import asyncio
import gzip
import json
import os
import re
import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from api.resources.readings.routes import EXAMPLE
from schema import submitted, topics
from schema.events import Reading, encode
from tests.api.conftest import KEY, LiveApi, bearer, running_api, settings_with_key
from tests.api.relay import Relay
from tests.ingest.running import running_consumer
from tests.kafka_content import read_all
from tests.kafka_trouble import frozen, refusing
from tests.waiting import until, until_query

NOW = datetime.now(UTC).replace(microsecond=0)
PATH = "/api/v1/readings"
JSON, LINES = {"Content-Type": "application/json"}, {"Content-Type": "application/x-ndjson"}
GZIP = {"Content-Encoding": "gzip"}
PROBLEM = "application/problem+json"
pytestmark = pytest.mark.parametrize("server_url", ["embedded"], indirect=True)


def reading(second: int = 0, **said: Any) -> Reading:
    return Reading(sensor=f"test:{second % 5}", time=NOW - timedelta(seconds=second), **{"speed_kmh": 50.0, **said})


def array(*items: bytes) -> bytes:
    return b"[" + b",".join(items) + b"]"


@asynccontextmanager
async def pushing(database_url: str, bootstrap: str, **settings: object) -> AsyncIterator[httpx.AsyncClient]:
    """A client with the key."""
    async with (
        running_api(settings_with_key(database_url, bootstrap, **settings), bridged=False) as api,
        httpx.AsyncClient(base_url=api.url, trust_env=False, headers=bearer(), timeout=30) as client,
    ):
        yield client


@pytest.fixture
async def client(database_url: str, kafka_bootstrap: str) -> AsyncIterator[httpx.AsyncClient]:
    async with pushing(database_url, kafka_bootstrap, push_most_bytes=1_000_000) as client:
        yield client


MANY = [reading(second) for second in range(5_000)]


@pytest.mark.parametrize(
    ("readings", "body", "headers"),
    [
        ([reading()], encode(reading()), JSON),
        ([reading()], encode(reading()), {"Content-Type": "application/json; charset=utf-8"}),
        (MANY, array(*map(encode, MANY)), JSON),
        (MANY, b"\n".join(map(encode, MANY)), LINES),
        (MANY, gzip.compress(b"\r\n".join(map(encode, MANY))), {**LINES, **GZIP}),
        (MANY, b"".join(gzip.compress(encode(item) + b"\n") for item in MANY), {**LINES, **GZIP}),
        (MANY[:2], gzip.compress(array(*map(encode, MANY[:2]))), {**JSON, "Content-Encoding": "X-GZip"}),
        (MANY[:2], array(*map(encode, MANY[:2])), {**JSON, "Content-Encoding": "identity"}),
        ([], b"[]", JSON),
    ],
    ids=["one", "charset", "array", "lines", "gzip lines", "gzip members", "gzip array", "identity", "none"],
)
async def test_what_is_accepted_is_in_kafka(
    client: httpx.AsyncClient, kafka_bootstrap: str, readings: list[Reading], body: bytes, headers: dict[str, str]
) -> None:
    answer = await client.post(PATH, content=body, headers=headers)
    assert (answer.status_code, answer.json()) == (202, {"accepted": len(readings), "rejected": []})
    found = await read_all(kafka_bootstrap, Reading)
    assert sorted(found, key=lambda event: event.time) == sorted(readings, key=lambda event: event.time)


async def test_bad_items_are_told_one_by_one_and_the_rest_is_accepted(
    client: httpx.AsyncClient, kafka_bootstrap: str
) -> None:
    bad = {
        1: ("invalid", b'{"sensor":"test:1","time":"2026-03-02T12:00:00Z"}'),
        2: ("naive_time", b'{"sensor":"test:1","time":"2026-03-02T12:00:00","speed_kmh":1}'),
        4: ("undecodable", b'{"sensor":'),
        5: ("future_time", encode(reading(-3_600))),
        6: ("too_old", b'{"sensor":"test:1","time":"1999-12-31T00:00:00Z","speed_kmh":1}'),
        7: ("invalid", encode(reading()).replace(b"50.0", b"401")),
    }
    good = {0: reading(0), 3: reading(3), 8: reading(8)}
    lines = [encode(good[index]) if index in good else bad[index][1] for index in range(9)]
    answer = await client.post(PATH, content=b"\n".join(lines), headers=LINES)
    assert answer.status_code == 202
    assert answer.json()["accepted"] == 3
    told = {part["index"]: part["reason"] for part in answer.json()["rejected"]}
    assert told == {index: reason for index, (reason, _) in bad.items()}
    assert all(part["detail"] for part in answer.json()["rejected"])
    assert {event.time for event in await read_all(kafka_bootstrap, Reading)} == {item.time for item in good.values()}


async def test_when_nothing_can_be_accepted_the_answer_is_a_problem_that_tells_each_reason(
    client: httpx.AsyncClient, kafka_bootstrap: str
) -> None:
    answer = await client.post(PATH, content=b'[{}, 7, {"sensor": "no id"}]', headers=JSON)
    assert (answer.status_code, answer.headers["content-type"]) == (422, PROBLEM)
    assert [part["index"] for part in answer.json()["rejected"]] == [0, 1, 2]
    assert "None of 3 items" in answer.json()["detail"]
    assert await read_all(kafka_bootstrap, Reading) == []


@pytest.mark.parametrize(
    ("status", "body", "headers", "said"),
    [
        (400, b'[{"sensor":', JSON, "in parts|truncated"),
        (400, b"not gzip", {**JSON, **GZIP}, "no gzip"),
        (400, gzip.compress(encode(reading()))[:-9], {**JSON, **GZIP}, "ends too early"),
        (413, encode(reading()) + b" " * 1_000_000, JSON, "longer than 1000000 bytes"),
        (413, gzip.compress(b" " * 300_000_000), {**JSON, **GZIP}, "longer than 1000000 bytes"),
        (413, gzip.compress(b"\n") * 60_000, {**LINES, **GZIP}, "longer than 1000000 bytes"),
        (415, encode(reading()), {"Content-Type": "text/csv"}, "send application/json or application/x-ndjson"),
        (415, encode(reading()), {}, "is missing"),
        (415, encode(reading()), {**JSON, "Content-Encoding": "br"}, "as it is, or as gzip"),
        (415, encode(reading()), {**JSON, "Content-Encoding": "gzip, gzip"}, "as it is, or as gzip"),
    ],
)
async def test_a_body_that_cannot_be_taken_is_a_problem_that_says_what_to_send(
    client: httpx.AsyncClient, status: int, body: bytes, headers: dict[str, str], said: str
) -> None:
    answer = await client.post(PATH, content=body, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)
    assert re.search(said, answer.json()["detail"])


async def test_a_body_without_a_stated_length_is_bounded_all_the_same(client: httpx.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 100_000

    answer = await client.post(PATH, content=endless(), headers=JSON)
    assert answer.status_code == 413


async def test_more_items_than_are_taken_at_once_are_413(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submitted, "MOST_ITEMS", 2)
    answer = await client.post(PATH, content=array(*map(encode, MANY[:3])), headers=JSON)
    assert answer.status_code == 413
    assert "send them in parts" in answer.json()["detail"]


async def test_without_the_key_nothing_is_read(client: httpx.AsyncClient, kafka_bootstrap: str) -> None:
    del client.headers["Authorization"]
    for given in ("", "Bearer", "Bearer another key altogether", "Bearer ключ", f"Basic {KEY}", KEY):
        headers = [*JSON.items(), *([("Authorization", given.encode())] if given else [])]
        answer = await client.post(PATH, content=encode(reading()), headers=headers)  # type: ignore[arg-type]
        assert (answer.status_code, answer.headers["www-authenticate"][:6]) == (401, "Bearer")
        assert answer.headers["content-type"] == PROBLEM
        assert KEY not in answer.text
    assert (await client.get("/openapi.json")).status_code == 200
    assert await read_all(kafka_bootstrap, Reading) == []


async def test_with_kafka_hung_the_answer_is_503_in_time_and_a_repeat_is_accepted_once_it_is_back(
    database_url: str, kafka_bootstrap: str
) -> None:
    async with pushing(database_url, kafka_bootstrap, push_timeout="1s") as client:
        assert (await client.post(PATH, content=encode(reading(1)), headers=JSON)).status_code == 202
        with frozen(kafka_bootstrap):
            began = time.monotonic()
            answers = await asyncio.gather(
                *(client.post(PATH, content=encode(reading(2)), headers=JSON) for _ in range(20))
            )
            assert time.monotonic() - began < 3
            assert {answer.status_code for answer in answers} == {503}
            assert {answer.headers["retry-after"] for answer in answers} == {"5"}
            assert "try again" in answers[0].json()["detail"]
        await until(lambda: accepted(client, encode(reading(2))))
    assert {event.time for event in await read_all(kafka_bootstrap, Reading)} == {reading(1).time, reading(2).time}


async def test_an_api_that_starts_without_kafka_accepts_once_it_is_there(
    database_url: str, kafka_bootstrap: str
) -> None:
    relay = Relay(*_place(kafka_bootstrap))
    await relay.mend()
    await relay.cut()
    async with pushing(database_url, f"127.0.0.1:{relay.port}", push_timeout="1s") as client:
        began = time.monotonic()
        answer = await client.post(PATH, content=encode(reading()), headers=JSON)
        assert (answer.status_code, answer.headers["content-type"]) == (503, PROBLEM)
        assert time.monotonic() - began < 3
        await relay.mend()
        await until(lambda: accepted(client, encode(reading())))
        assert await read_all(kafka_bootstrap, Reading) == [reading()]
        await relay.cut()


def _place(bootstrap: str) -> tuple[str, int]:
    host, port = bootstrap.split(":")
    return host, int(port)


async def accepted(client: httpx.AsyncClient, body: bytes) -> bool:
    return (await client.post(PATH, content=body, headers=JSON)).status_code == 202


async def test_after_kafka_refused_a_push_the_next_one_is_accepted(
    client: httpx.AsyncClient, kafka_bootstrap: str
) -> None:
    assert await accepted(client, encode(reading(1)))
    async with refusing(kafka_bootstrap, topics.READINGS, longer_than=100):
        answer = await client.post(PATH, content=array(*map(encode, MANY)), headers=JSON)
        assert (answer.status_code, answer.headers["content-type"]) == (503, PROBLEM)
        assert "Kafka did not take what was sent" in answer.json()["detail"]
    assert await accepted(client, array(*map(encode, MANY)))


async def test_a_push_is_stored_once_however_often_it_is_repeated(live_api: LiveApi) -> None:
    database_url = str(live_api.settings.database_url)
    body = b"\n".join(encode(item) for item in MANY[:100])
    async with (
        running_consumer(live_api.settings),
        httpx.AsyncClient(base_url=live_api.url, trust_env=False, headers=bearer()) as client,
    ):
        for _ in range(2):
            assert (await client.post(PATH, content=body, headers=LINES)).json()["accepted"] == 100
        await client.post(PATH, content=encode(reading(500)), headers=JSON)
        await until_query(database_url, "SELECT count(*) FROM readings", 101)
        metrics = (await client.get("/metrics")).text
    assert 'urbanclear_api_pushed_readings_total{outcome="accepted"}' in metrics


@pytest.mark.parametrize("answer", ["202", "422", "401"])
async def test_answers_fit_the_published_openapi_document(client: httpx.AsyncClient, answer: str) -> None:
    send: dict[str, Callable[[], Any]] = {
        "202": lambda: client.post(PATH, content=encode(reading()) + b"\n{}", headers=LINES),
        "422": lambda: client.post(PATH, content=b"[{}]", headers=JSON),
        "401": lambda: client.post(PATH, content=b"[{}]", headers={**JSON, **bearer("wrong")}),
    }
    document = (await client.get("/openapi.json")).json()
    operation = document["paths"][PATH]["post"]
    found = await send[answer]()
    assert str(found.status_code) == answer
    [content] = operation["responses"][answer]["content"].values()
    jsonschema.validate(found.json(), {**content["schema"], "components": document["components"]})
    assert operation["security"] == [{"key": []}]


async def test_the_published_examples_are_accepted_as_the_published_schema_says(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    content = document["paths"][PATH]["post"]["requestBody"]["content"]
    for example in content["application/json"]["examples"].values():
        jsonschema.validate(example["value"], content["application/json"]["schema"])
        answer = await client.post(PATH, content=json.dumps(example["value"]), headers=JSON)
        assert (answer.status_code, answer.json()["rejected"]) == (202, [])
    answer = await client.post(PATH, content=content["application/x-ndjson"]["example"], headers=LINES)
    assert answer.json() == {"accepted": 1, "rejected": []}
    assert set(EXAMPLE) <= set(Reading.__struct_fields__)


async def test_the_documented_example_works(client: httpx.AsyncClient, kafka_bootstrap: str, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("no curl")
    text = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
    blocks = re.findall(r"(?:^ {4}.*\n)*^ {4}.*curl .*\n(?:^ {4}.*\n)*", text, re.MULTILINE)
    [command] = [block for block in blocks if PATH in block]
    (tmp_path / ".urbanclear").mkdir()
    (tmp_path / ".urbanclear" / "api.key").write_text(KEY)
    process = await asyncio.create_subprocess_exec(
        *("sh", "-ec", command.replace("http://127.0.0.1:8000", str(client.base_url).rstrip("/"))),
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert (process.returncode, json.loads(out)) == (0, {"accepted": 1, "rejected": []})
    [found] = await read_all(kafka_bootstrap, Reading)
    assert abs(found.time - datetime.now(UTC)) < timedelta(minutes=1)
