"""No page of another site reads what is here, neither by its own name for this machine nor across sites."""

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.api.access.conftest import Guard, Guarded

pytestmark = pytest.mark.parametrize("server_url", ["embedded"], indirect=True)
SENSORS = "/api/v1/sensors"
MAP = "https://map.example"


async def asked_as(guarded: Guarded, host: str, path: str = SENSORS) -> int:
    return (await guarded.client.get(path, headers={"Host": host})).status_code


async def test_on_loopback_only_names_of_this_machine_and_those_allowed_are_answered(guarding: Guard) -> None:
    async with guarding(open_reads=True, allowed_hosts="city.example,other.example") as guarded:
        for host in ("127.0.0.1:8000", "localhost", "LOCALHOST.:80", "[::1]:80", "a.localhost", "City.example:443"):
            assert await asked_as(guarded, host) == 200, host
        for host in (
            "evil.example",
            "evil.example:8000",
            "127.0.0.1.evil.example",
            "192.0.2.1",
            "[",
            "x@127.0.0.1:8",
        ):
            assert await asked_as(guarded, host) == 421, host
            assert await asked_as(guarded, host, "/") == 421, host
        assert await asked_as(guarded, "192.0.2.1", "/health/ready") == 200


async def test_bound_elsewhere_all_names_are_answered_until_some_are_set(guarding: Guard) -> None:
    async with guarding(open_reads=True, api_host="0.0.0.0") as guarded:
        assert await asked_as(guarded, "traffic.example") == 200
    async with guarding(open_reads=True, api_host="0.0.0.0", allowed_hosts="traffic.example") as guarded:
        assert await asked_as(guarded, "traffic.example") == 200
        assert await asked_as(guarded, "evil.example") == 421


async def opened(guarded: Guarded, **headers: str) -> int:
    """What a WebSocket's handshake is answered."""
    try:
        async with connect(guarded.api.websocket_url, proxy=None, additional_headers=headers):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


async def test_a_websocket_opens_for_programs_and_own_pages_and_for_no_other_site(guarding: Guard) -> None:
    async with guarding(open_reads=True, cors_origins=MAP) as guarded:
        assert await opened(guarded) == 101
        assert await opened(guarded, Origin=guarded.api.url) == 101
        assert await opened(guarded, Origin=MAP) == 101
        for origin in ("https://evil.example", "null", f"{MAP}.evil.example", "http://map.example"):
            assert await opened(guarded, Origin=origin) == 403, origin


async def preflight(client: httpx.AsyncClient, origin: str) -> httpx.Response:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    return await client.options("/api/v1/incidents", headers={"Origin": origin, **asked})


async def test_pages_of_other_sites_are_told_nothing_unless_they_are_named(guarding: Guard) -> None:
    async with guarding(open_reads=True) as guarded:
        answer = await guarded.client.get(SENSORS, headers={"Origin": MAP})
        assert "access-control-allow-origin" not in answer.headers
        assert (await preflight(guarded.client, MAP)).status_code >= 400
    async with guarding(cors_origins=f"{MAP}, https://other.example") as guarded:
        allowed = await preflight(guarded.client, MAP)
        assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, MAP)
        assert "Authorization" in allowed.headers["access-control-allow-headers"]
        assert (await preflight(guarded.client, "https://evil.example")).status_code == 400
        refused = await guarded.client.get(SENSORS, headers={"Origin": MAP})
        assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, MAP)
        assert "RateLimit" in refused.headers["access-control-expose-headers"]
