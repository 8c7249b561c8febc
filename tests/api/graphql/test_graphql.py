"""GraphQL over a city whose numbers are known."""

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, event

from tests.api.alerting import add_alerts, alert_row
from tests.api.resources.conftest import NOON, api, city, span  # noqa: F401
from tests.batch import anomaly_of, clusters_of, insights_of, run_of
from tests.schema.city import City

DOCS = (Path(__file__).parents[3] / "docs" / "graphql.md").read_text()
EVERYTHING = """
    query ($from: String!, $to: String!) {
      sensors { nodes {
        sensor area
        current { speedKmh los }
        readings(from: $from, to: $to, last: 3) { time speedKmh readings }
        incidents { id severity }
        predictions { horizonMinutes speedKmh }
      } pageInfo { hasNextPage endCursor } }
    }
"""
PATH = "/graphql"


@pytest.fixture
def graphql(api: httpx.AsyncClient) -> httpx.AsyncClient:  # noqa: F811
    api.base_url = httpx.URL(str(api.base_url).removesuffix("/api/v1/"))
    return api


async def data(graphql: httpx.AsyncClient, query: str, **variables: Any) -> dict[str, Any]:
    answer = await graphql.post(PATH, json={"query": query, "variables": variables})
    assert answer.status_code == 200, answer.text
    assert "errors" not in answer.json(), answer.text
    found: dict[str, Any] = answer.json()["data"]
    return found


async def error(graphql: httpx.AsyncClient, query: str, **variables: Any) -> dict[str, Any]:
    answer = await graphql.post(PATH, json={"query": query, "variables": variables})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["errors"][0]
    return found


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that are sent to the database meanwhile."""
    statements: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        statements.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", note)


async def with_more(city: City) -> None:  # noqa: F811
    await city.incident("crash", ["side"], NOON, None)
    await city.chunks("predictions", at=NOON)
    [row] = await city.rows("SELECT id FROM sensors WHERE external_id = 't:side'")
    await city.connection.execute(
        "INSERT INTO predictions VALUES (%s, %s + interval '15 minutes', %s, 33, 30, 36, 'm1')",
        [row["id"], NOON, NOON],
    )
    await anomaly_of(city, "t:side", NOON, None)
    await clusters_of(city, await run_of(city, "clusters", NOON), "t:side", "t:Main Street-0")
    await insights_of(city, await run_of(city, "insights", NOON))


async def test_sensors_come_with_all_that_belongs_to_them_in_one_round_trip_and_few_statements(
    graphql: httpx.AsyncClient,
    city: City,  # noqa: F811
) -> None:
    await with_more(city)
    with counted() as statements:
        found = await data(graphql, EVERYTHING, **span())
    nodes = {node["sensor"]: node for node in found["sensors"]["nodes"]}
    assert len(nodes) == 4
    assert nodes["t:Main Street-0"]["current"] == {"speedKmh": 15.0, "los": "F"}
    assert [row["speedKmh"] for row in nodes["t:side"]["readings"]] == [40.0] * 3
    assert [row["time"][11:16] for row in nodes["t:side"]["readings"]] == ["12:50", "12:55", "13:00"]
    assert nodes["t:side"]["incidents"] == [{"id": "crash", "severity": "high"}]
    assert nodes["t:side"]["predictions"] == [{"horizonMinutes": 15, "speedKmh": 33.0}]
    assert nodes["t:Main Street-0"]["incidents"] == []
    asked = [one for one in statements if one.startswith("SELECT") and "api_keys" not in one]
    assert len(asked) == 5  # sensors, and one each for what belongs to them


async def test_pages_of_sensors_hold_each_once(graphql: httpx.AsyncClient) -> None:
    page = "sensors(first: 3, after: $after) { nodes { sensor } pageInfo { hasNextPage endCursor } }"
    query = f"query ($after: String) {{ {page} }}"
    first = (await data(graphql, query))["sensors"]
    second = (await data(graphql, query, after=first["pageInfo"]["endCursor"]))["sensors"]
    assert (first["pageInfo"]["hasNextPage"], second["pageInfo"]["hasNextPage"]) == (True, False)
    assert [node["sensor"] for page in (first, second) for node in page["nodes"]] == [
        *[f"t:Main Street-{number}" for number in range(3)],
        "t:side",
    ]


async def test_every_root_answers(graphql: httpx.AsyncClient, city: City) -> None:  # noqa: F811
    await with_more(city)
    found = await data(
        graphql,
        """{
            sensor(id: "t:side") { name readings(from: "latest-10m", to: "latest", level: RAW) { speedKmh } }
            nobody: sensor(id: "t:nobody") { name }
            traffic(area: "manhattan") { sensor speedRatio }
            incidents { id } incident(id: "crash") { kind startedAt }
            predictions(horizon: 15) { sensor speedKmh }
            bottlenecks(days: 60) { sensor rank activeMinutes }
            corridors(names: ["Main Street N"]) { lengthM travelTimes(from: "-60d", last: 2) { travelTimeS } }
            weather { station }
            anomalies(from: "-60d", lasting: true, ids: ["t:side"]) { sensor kind score endedAt }
            clusters { cluster name sensors medoidSensor }
            insights(kind: "worst_delay") { rank subject value before detail }
            lastWeek: insights(week: "2026-W10") { run }
            clustered: sensor(id: "t:side") { cluster { cluster name } }
        }""",
    )
    assert found["sensor"] == {"name": "side", "readings": [{"speedKmh": 40.0}] * 2}
    assert found["nobody"] is None
    assert [row["sensor"] for row in found["traffic"]] == [f"t:Main Street-{number}" for number in range(3)]
    assert [row["id"] for row in found["incidents"]] == ["crash"]
    assert found["predictions"] == [{"sensor": "t:side", "speedKmh": 33.0}]
    assert found["bottlenecks"] == [{"sensor": "t:Main Street-0", "rank": 1, "activeMinutes": 125}]
    assert (found["corridors"][0]["lengthM"], len(found["corridors"][0]["travelTimes"])) == (3000.0, 2)
    assert found["weather"] == []
    assert found["anomalies"] == [{"sensor": "t:side", "kind": "speed_drop", "score": 6.0, "endedAt": None}]
    assert [row["medoidSensor"] for row in found["clusters"]] == ["t:side", "t:Main Street-0"]
    assert [(row["rank"], row["value"]) for row in found["insights"]] == [(1, 120.5), (2, 20.0)]
    assert found["lastWeek"] == []
    assert found["clustered"] == {"cluster": {"cluster": 0, "name": "flat"}}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ('{ sensor(id: "t:side") { readings(from: "yesterday") { time } } }', "BAD_USER_INPUT"),
        ('{ sensor(id: "t:side") { readings(last: 0) { time } } }', "BAD_USER_INPUT"),
        ('{ insights(week: "2026-W99") { rank } }', "BAD_USER_INPUT"),
        ('{ sensors(after: "nonsense") { nodes { sensor } } }', "BAD_USER_INPUT"),
        ("{ sensors(bbox: [1, 2, 3]) { nodes { sensor } } }", "BAD_USER_INPUT"),
        ("{ sensors(first: 0) { nodes { sensor } } }", "BAD_USER_INPUT"),
        ("{ sensors(ids: []) { nodes { sensor } } }", "BAD_USER_INPUT"),
        ("{ sensors(first: 1000) { nodes { readings(last: 2000) { time } } } }", "TOO_COSTLY"),
        ("{ weather(limit: 100000) { time } }", "TOO_COSTLY"),
        ("{ a: sensors(first: 999) { nodes { readings { time } } } }", "TOO_COSTLY"),
    ],
)
async def test_what_cannot_be_answered_is_told_with_a_code(graphql: httpx.AsyncClient, query: str, code: str) -> None:
    assert (await error(graphql, query))["extensions"]["code"] == code


NESTED = "{ sensors { nodes " * 10 + "{ sensor }" + " } }" * 10


@pytest.mark.parametrize(
    "query",
    [
        NESTED,
        "{ " + " ".join(f'a{n}: sensor(id: "t:side") {{ name }}' for n in range(10_000)) + " }",
        "{ " + " ".join(f'a{n}: sensor(id: "t:side") {{ name }}' for n in range(60)) + " }",
        "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }",
        "{ sensors { nodes { ...a } } } fragment a on Sensor { sensor ...a }",
        "{ weather(limit: 99999999999999999999999) { time } }",
        '{ sensor(id: "\\u0000") { name } }',
        "{ nothing }",
        "mutation { nothing }",
        "subscription { nothing }",
        "{ sensor",
        "",
        "{ sensor(id: " + "[" * 5_000 + "]" * 5_000 + ") { name } }",
    ],
    ids=lambda query: query[:30],
)
async def test_hostile_queries_are_answered_with_an_error_and_cost_little(
    graphql: httpx.AsyncClient, query: str
) -> None:
    async with asyncio.timeout(5):
        answer = await graphql.post(PATH, json={"query": query})
    assert answer.status_code in (200, 400, 413)
    if answer.status_code == 200:
        [first, *_] = answer.json()["errors"]
        assert "psycopg" not in first["message"]
    assert (await data(graphql, '{ sensor(id: "t:side") { name } }'))["sensor"] == {"name": "side"}


async def test_an_operation_that_is_not_there_is_400(graphql: httpx.AsyncClient) -> None:
    answer = await graphql.post(PATH, json={"query": "query a { weather { time } }", "operationName": "b"})
    assert answer.status_code == 400


@pytest.mark.parametrize("body", [b"", b"nonsense", b"[]", b'{"query": 1}', b'{"variables": {}}', b"[" * 50_000])
async def test_a_body_that_is_no_request_is_400(graphql: httpx.AsyncClient, body: bytes) -> None:
    answer = await graphql.post(PATH, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


async def test_a_body_that_is_too_long_is_413(graphql: httpx.AsyncClient) -> None:
    answer = await graphql.post(PATH, json={"query": "{ nothing }" + " " * 100_000})
    assert answer.status_code == 413


async def test_a_query_may_be_in_the_address_and_the_schema_be_asked_for(graphql: httpx.AsyncClient) -> None:
    query = "query ($id: String!) { sensor(id: $id) { name } __schema { queryType { name } } }"
    asked = {"query": query, "variables": json.dumps({"id": "t:side"})}
    found = (await graphql.get(PATH, params=asked)).json()["data"]
    assert found == {"sensor": {"name": "side"}, "__schema": {"queryType": {"name": "Query"}}}


@pytest.mark.parametrize("example", re.findall(r"```graphql\n(.*?)```", DOCS, re.DOTALL))
async def test_the_documented_queries_are_answered(graphql: httpx.AsyncClient, example: str) -> None:
    assert await data(graphql, example)


async def test_alerts_are_listed_by_state_priority_and_area(graphql: httpx.AsyncClient, database_url: str) -> None:
    add_alerts(database_url, alert_row("a1"), alert_row("a2", priority="low"), alert_row("a3", state="resolved"))
    add_alerts(database_url, alert_row("calmed", state="resolved", fired_at=None))
    query = "query ($priority: [String!], $area: String) { alerts(priority: $priority, area: $area) { id areas } }"
    found = await data(graphql, query, priority=["high"], area="staten-island")
    assert found["alerts"] == [{"id": "a1", "areas": ["Staten Island"]}]
    over = await data(graphql, '{ alerts(state: ["resolved"]) { id labels revision } }')
    assert [(one["id"], one["labels"]["rule"]) for one in over["alerts"]] == [("a3", "slow")]
