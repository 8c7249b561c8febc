"""From a reading in Kafka to what REST answers."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import jsonschema
import psycopg
import pytest

from schema.events import Incident, LineString, Reading, Sensor
from schema.publisher import Publisher, open_publisher
from tests.api.conftest import LiveApi
from tests.ingest.running import running_consumer
from tests.waiting import until, until_query

NOW = datetime.now(UTC).replace(microsecond=0)
BRIDGE = Sensor(
    external_id="test:bridge",
    name="Bridge E",
    geometry=LineString(coordinates=[[-74.0, 40.70], [-73.99, 40.71]]),
    free_flow_speed_kmh=60,
)


@pytest.fixture
async def feed(live_api: LiveApi) -> AsyncIterator[Publisher]:
    async with running_consumer(live_api.settings), open_publisher(live_api.bootstrap) as publisher:
        yield publisher


@pytest.fixture
async def client(live_api: LiveApi) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=live_api.url, trust_env=False) as client:
        yield client


def reading(speed_kmh: float, minutes: int = 0) -> Reading:
    return Reading(sensor="test:bridge", time=NOW + timedelta(minutes=minutes), speed_kmh=speed_kmh)


def crash(status: str, minutes: int) -> Incident:
    return Incident(
        id="crash",
        time=NOW + timedelta(minutes=minutes),
        status=status,  # type: ignore[arg-type]
        kind="collision",
        severity="high",
        started_at=NOW - timedelta(minutes=10),
    )


async def test_a_reading_is_served_with_its_level_of_service(
    live_api: LiveApi, feed: Publisher, client: httpx.AsyncClient
) -> None:
    await feed.publish(BRIDGE)
    await feed.publish(reading(60, minutes=-1))
    await feed.publish(reading(21))
    await until_query(str(live_api.settings.database_url), "SELECT max(speed_kmh) FROM latest_readings", 21)
    [sensor] = (await client.get("/api/v1/sensors")).json()["items"]
    assert (sensor["sensor"], sensor["name"], sensor["geometry"]["type"]) == ("test:bridge", "Bridge E", "LineString")
    [traffic] = (await client.get("/api/v1/traffic/current")).json()["items"]
    assert (traffic["speed_kmh"], traffic["speed_ratio"], traffic["los"]) == (21, 0.35, "E")
    assert datetime.fromisoformat(traffic["time"]) == NOW


async def test_incidents_are_served_active_ones_first(
    live_api: LiveApi, feed: Publisher, client: httpx.AsyncClient
) -> None:
    await feed.publish(crash("reported", -5))
    await until_query(str(live_api.settings.database_url), "SELECT count(*) FROM incidents", 1)
    [incident] = (await client.get("/api/v1/incidents")).json()["items"]
    assert (incident["status"], incident["cleared_at"]) == ("reported", None)
    await feed.publish(crash("cleared", 0))
    await until_query(str(live_api.settings.database_url), "SELECT status FROM incidents", "cleared")
    [incident] = (await client.get("/api/v1/incidents")).json()["items"]
    assert datetime.fromisoformat(incident["cleared_at"]) == NOW


async def test_health_tells_what_is_missing_and_recovers(live_api: LiveApi, client: httpx.AsyncClient) -> None:
    health = (await client.get("/api/v1/health")).json()
    assert health["status"] == "degraded"
    assert health["checks"]["ingest"] == {"ok": False, "detail": "never seen"}
    assert health["checks"]["database"]["ok"]
    async with running_consumer(live_api.settings):

        async def beating() -> bool:
            return bool((await client.get("/api/v1/health")).json()["checks"]["ingest"]["ok"])

        await until(beating)


async def test_health_tells_of_every_part_that_has_beaten_within_a_day(
    live_api: LiveApi, client: httpx.AsyncClient
) -> None:
    with psycopg.connect(str(live_api.settings.database_url), autocommit=True) as connection:
        for part, seconds in {"ingest": 1, "alerting": 1, "forecast": 1, "stream": 90_000}.items():
            connection.execute(
                "INSERT INTO heartbeats VALUES (%s, 'here', now() - %s * interval '1 second')", [part, seconds]
            )
    checks = (await client.get("/api/v1/health")).json()["checks"]
    assert list(checks) == ["database", "ingest", "alerting", "forecast", "kafka"]
    assert checks["forecast"]["ok"]
    with psycopg.connect(str(live_api.settings.database_url), autocommit=True) as connection:
        connection.execute("UPDATE heartbeats SET time = now() - interval '1 minute' WHERE part = 'forecast'")
    health = (await client.get("/api/v1/health")).json()
    assert (health["status"], health["checks"]["forecast"]["ok"]) == ("degraded", False)


async def test_with_the_database_away_the_answer_is_503_with_what_to_do(
    live_api: LiveApi, client: httpx.AsyncClient
) -> None:
    url = str(live_api.settings.database_url)
    name = url.rsplit("/", 1)[1]
    with psycopg.connect(url.rsplit("/", 1)[0] + "/postgres", autocommit=True) as admin:
        admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        answer = await client.get("/api/v1/sensors")
        assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
        assert "try again" in answer.json()["detail"]
        assert (await client.get("/api/v1/health")).status_code == 503
        admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())
    assert (await client.get("/api/v1/sensors")).status_code == 200


async def test_a_bad_parameter_is_a_problem_that_names_it(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/incidents", params={"limit": 0})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert "query.limit" in answer.json()["detail"]


async def test_metrics_are_in_prometheus_format_with_the_projects_names(client: httpx.AsyncClient) -> None:
    await client.get("/api/v1/sensors")
    text = (await client.get("/metrics")).text
    assert 'urbanclear_api_requests_total{method="GET",route="list_sensors",status="200"}' in text


async def test_answers_fit_the_published_openapi_document(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    for path in ("/api/v1/health", "/api/v1/sensors", "/api/v1/traffic/current", "/api/v1/incidents"):
        schema = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        jsonschema.validate((await client.get(path)).json(), {**schema, "components": document["components"]})


async def test_the_documentation_asks_nothing_of_another_address(client: httpx.AsyncClient) -> None:
    page = (await client.get("/docs")).text
    assets = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(assets) >= 3
    for asset in assets:
        assert asset.startswith("/")
        assert (await client.get(asset)).status_code == 200
