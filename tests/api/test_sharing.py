"""One answer for all who ask the same within a moment."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from schema.keys import new_key
from schema.scopes import Scope
from tests.api.conftest import add_key, bearer, running_api, settings_with_key
from tests.api.graphql.test_graphql import counted
from tests.api.resources.conftest import NO_KAFKA, filled
from tests.waiting import until

PATH = "/api/v1/sensors"


@asynccontextmanager
async def sharing(database_url: str, seconds: float, **more: object) -> AsyncIterator[httpx.AsyncClient]:
    settings = settings_with_key(database_url, NO_KAFKA, shared_answers=f"{seconds}s", **more)
    async with (
        running_api(settings, bridged=False) as api,
        httpx.AsyncClient(base_url=api.url, trust_env=False) as client,
    ):
        yield client


async def test_those_who_ask_the_same_at_once_cost_one_query(database_url: str) -> None:
    async with filled(database_url), sharing(database_url, 60) as client:
        with counted() as statements:
            answers = await asyncio.gather(*[client.get(PATH) for _ in range(20)])
        asked = [one for one in statements if "sensors.external_id" in one]
    assert len(asked) == 1
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert len(answers[0].json()["items"]) == 4


async def test_what_differs_is_asked_anew(database_url: str) -> None:
    async with filled(database_url), sharing(database_url, 60) as client:
        whole = await client.get(PATH)
        assert (await client.get(PATH, params={"area": "queens"})).json()["items"] == whole.json()["items"][3:]
        as_csv = await client.get(PATH, headers={"Accept": "text/csv"})
        assert as_csv.headers["content-type"].startswith("text/csv")
        assert (await client.get(PATH)).json() == whole.json()


async def test_after_the_moment_the_newest_is_told(database_url: str) -> None:
    async with filled(database_url) as city, sharing(database_url, 0.2) as client:
        assert len((await client.get(PATH)).json()["items"]) == 4
        await city.sensor("new")

        async def told() -> bool:
            return len((await client.get(PATH)).json()["items"]) == 5

        await until(told)


async def test_a_shared_answer_is_not_sent_to_who_has_it(database_url: str) -> None:
    async with filled(database_url), sharing(database_url, 60) as client:
        first = await client.get(PATH)
        again = await client.get(PATH, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
        other = await client.get(PATH, headers={"If-None-Match": '"other"'})
        assert other.json() == first.json()


async def test_nothing_is_shared_with_who_may_not_ask(database_url: str) -> None:
    reader = new_key()
    async with sharing(database_url, 60, open_reads=False) as client:
        add_key(database_url, reader, Scope.READ, name="reader")
        for path in (PATH, "/api/v1/keys"):
            assert (await client.get(path, headers=bearer())).status_code == 200
        assert (await client.get(PATH)).status_code == 401
        assert (await client.get(PATH, headers=bearer(reader))).status_code == 200
        assert (await client.get("/api/v1/keys", headers=bearer(reader))).status_code == 403


async def test_a_stream_without_an_end_makes_nobody_wait_for_it(database_url: str) -> None:
    async with sharing(database_url, 60) as client, asyncio.timeout(10):
        address = "/api/v1/stream/traffic"
        async with client.stream("GET", address) as one, client.stream("GET", address) as other:
            for stream in (one, other):
                assert (await anext(stream.aiter_lines())).startswith("retry:")


async def test_errors_and_what_is_asked_wrongly_are_not_shared(database_url: str) -> None:
    async with filled(database_url) as city, sharing(database_url, 60) as client:
        assert (await client.get(f"{PATH}/t:new")).status_code == 404
        await city.sensor("new")
        assert (await client.get(f"{PATH}/t:new")).status_code == 200
