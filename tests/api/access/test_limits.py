"""How much may be asked: told with every answer, held for each key and address, at little cost."""

import asyncio
import time

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from api.access import counters
from api.access.address import address_of
from api.access.counters import Counters
from api.access.limits import Limits, Policy
from schema.scopes import Scope
from tests.api.access.conftest import WRONG, Guard
from urbanclear.settings import Settings

pytestmark = pytest.mark.parametrize("server_url", ["embedded"], indirect=True)
PATH = "/api/v1/websocket/status"
MOST_SECONDS = 0.000_2


async def test_each_answer_says_what_is_left_and_one_too_many_is_told_when_to_come_again(guarding: Guard) -> None:
    async with guarding(open_reads=True, rate_per_address="5/minute", rate_per_key="3/hour") as guarded:
        for left in (4, 3, 2, 1, 0):
            answer = await guarded.client.get(PATH if left else "/api/v1/nothing")
            assert answer.status_code == (200 if left else 404)
            [policy, remaining, seconds] = answer.headers["ratelimit"].split(";")
            assert (policy, remaining) == ('"address"', f"r={left}")
            assert 0 < int(seconds.removeprefix("t=")) <= 60
            assert answer.headers["ratelimit-policy"] == '"address";q=5;w=60'
        refused = await guarded.client.get(PATH)
        assert (refused.status_code, refused.headers["content-type"]) == (429, "application/problem+json")
        assert 0 < int(refused.headers["retry-after"]) <= 60
        assert refused.headers["ratelimit"].startswith('"address";r=0;t=')
        assert "More than 5 requests from this address" in refused.json()["detail"]
        assert await guarded.status("/app.js", None) == 200  # not counted
        assert "ratelimit" not in (await guarded.client.get("/")).headers

        statuses = [await guarded.status(PATH, guarded.keys[Scope.READ]) for _ in range(4)]
        assert statuses == [200, 200, 200, 429]
        assert await guarded.status(PATH, guarded.keys[Scope.REPORT]) == 200
    assert REGISTRY.get_sample_value("urbanclear_api_rate_limited_total", {"policy": "address"})


async def test_writes_are_limited_beside_requests(guarding: Guard) -> None:
    async with guarding(rate_writes="2/minute") as guarded:
        headers = guarded.bearer(Scope.REPORT)
        answers = [await guarded.client.post("/api/v1/readings", content=b"", headers=headers) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [415, 415, 429]
        assert '"key";r=' in answers[0].headers["ratelimit"]
        assert '"writes";r=1' in answers[0].headers["ratelimit"]
        assert await guarded.status(PATH, guarded.keys[Scope.REPORT]) == 200


async def test_after_too_many_wrong_keys_only_known_keys_of_that_address_go_on(guarding: Guard) -> None:
    async with guarding(rate_failures="3/minute") as guarded:
        statuses = [await guarded.status(PATH, f"{WRONG}{number}") for number in range(5)]
        assert statuses == [401, 401, 401, 429, 429]
        assert await guarded.status(PATH, guarded.keys[Scope.READ]) == 200
        assert await guarded.status(PATH, None) == 401


async def test_only_a_trusted_proxy_says_where_a_request_comes_from(guarding: Guard) -> None:
    async with guarding(open_reads=True, rate_per_address="2/minute") as guarded:
        assert await _from_many(guarded.client) == [200, 200, 429, 429]
    async with guarding(open_reads=True, rate_per_address="2/minute", trusted_proxies="127.0.0.1") as guarded:
        assert await _from_many(guarded.client) == [200, 200, 200, 200]


async def _from_many(client: httpx.AsyncClient) -> list[int]:
    return [
        (await client.get(PATH, headers={"X-Forwarded-For": f"203.0.113.{number}"})).status_code
        for number in range(4)
    ]


async def test_counting_costs_little_however_many_are_counted(server_url: str) -> None:
    limits = Limits(Settings())
    for number in range(20_000):
        await limits.count(Policy.ADDRESS, str(number))
    rounds = []
    for _ in range(5):
        began = time.perf_counter()
        for number in range(200):
            await limits.count(Policy.ADDRESS, str(number))
            await asyncio.sleep(0)
        rounds.append((time.perf_counter() - began) / 200)
    assert min(rounds) < MOST_SECONDS


def test_a_network_of_ipv6_is_one_address(server_url: str) -> None:
    def told(client: object) -> str:
        return address_of({"type": "http", "client": client})

    assert told(("2001:db8::1", 1)) == told(("2001:db8::ffff:2", 1)) == "2001:db8::/64"
    assert told(("::ffff:192.0.2.7", 1)) == told(("192.0.2.7", 2)) == "192.0.2.7"
    assert told(("fe80::1%eth0", 1)) == "fe80::/64"
    assert (told(None), told(("testclient", 1))) == ("local", "testclient")


Hit = st.tuples(st.sampled_from("abc"), st.integers(0, 15))


def test_a_counter_counts_what_happened_in_its_window_and_no_more(
    server_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(time, "time", lambda: now)

    @given(st.lists(Hit, max_size=60))
    def same_as_a_plain_count(hits: list[tuple[str, int]]) -> None:
        nonlocal now
        now = 1_000_000.0
        kept, began = Counters(), dict[str, float]()
        counts = dict[str, int]()
        for who, pause in hits:
            now += pause
            if who not in began or now >= began[who] + 60:
                began[who], counts[who] = now, 0
            counts[who] += 1
            assert asyncio.run(kept.incr(who, 60)) == counts[who]
            assert asyncio.run(kept.get(who)) == counts[who]
            assert asyncio.run(kept.get_expiry(who)) == began[who] + 60

    same_as_a_plain_count()


async def test_counters_are_forgotten_once_they_ended_and_never_more_than_so_many(
    server_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counters, "MOST", 100)
    kept, now = Counters(), time.time()
    for number in range(1_000):
        await kept.incr(str(number), 60)
    assert len(kept._counters) == 100
    monkeypatch.setattr(time, "time", lambda: now + 120)
    await kept.incr("new", 60)
    assert len(kept._counters) == 1
