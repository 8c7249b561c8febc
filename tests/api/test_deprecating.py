"""An endpoint that will go says so."""

from datetime import UTC, datetime

import httpx
from fastapi import APIRouter, FastAPI

from api.http import problems
from api.http.deprecating import Deprecation, deprecated

OLD = Deprecation(datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC), "/api/v2/sensors")


async def test_every_answer_of_a_deprecated_endpoint_carries_the_headers() -> None:
    router = APIRouter(route_class=deprecated(OLD))

    @router.get("/sensors")
    async def sensors(limit: int = 1) -> int:
        return limit

    app = FastAPI()
    app.include_router(router, prefix="/api/v1")
    problems.add_to(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        answers = [await client.get("/api/v1/sensors", params={"limit": limit}) for limit in ("1", "none")]
    assert [answer.status_code for answer in answers] == [200, 422]
    for answer in answers:
        assert answer.headers["deprecation"] == "@1798761600"
        assert answer.headers["sunset"] == "Sat, 01 Jan 2028 00:00:00 GMT"
        assert answer.headers["link"] == '</api/v2/sensors>; rel="successor-version"'
