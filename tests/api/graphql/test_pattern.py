"""What is normal at sensors, asked of many at once."""

import httpx

from tests.api.graphql.test_graphql import counted, data, graphql
from tests.api.resources.conftest import NOON, api, city
from tests.batch import profile_of, run_of
from tests.schema.city import City

__all__ = ["api", "city", "graphql"]
QUERY = "query ($ids: [String!]) { sensors(ids: $ids) { nodes { sensor pattern { dayType minute speedKmh days } } } }"


async def test_patterns_of_many_sensors_take_no_more_statements_than_of_one(
    graphql: httpx.AsyncClient,
    city: City,
) -> None:
    await city.sensor("new")
    await data(graphql, QUERY, ids=["t:side"])
    taken = []
    for ids in (["t:side"], None):
        with counted() as statements:
            found = (await data(graphql, QUERY, ids=ids))["sensors"]["nodes"]
        taken.append(len([one for one in statements if "api_keys" not in one]))
    assert taken[0] == taken[1]
    patterns = {node["sensor"]: node["pattern"] for node in found}
    assert patterns["t:new"] == []
    for sensor, speed in (("t:side", 40.0), ("t:Main Street-0", 15.0)):
        noon = next(row for row in patterns[sensor] if row["minute"] == 720)
        assert noon == {"dayType": "weekday", "minute": 720, "speedKmh": speed, "days": 1}


async def test_graphql_tells_the_pattern_that_rest_tells(graphql: httpx.AsyncClient) -> None:
    [node] = (await data(graphql, QUERY, ids=["t:side"]))["sensors"]["nodes"]
    rest = (await graphql.get("/api/v1/sensors/t:side/pattern")).json()["items"]
    assert [row["minute"] for row in node["pattern"]] == [row["minute"] for row in rest]
    assert [row["speedKmh"] for row in node["pattern"]] == [row["speed_kmh"] for row in rest]


async def test_what_the_job_wrote_is_told_beside_what_is_computed(graphql: httpx.AsyncClient, city: City) -> None:
    run = await run_of(city, "patterns", NOON)
    await profile_of(city, run, "sensor", "t:side", "weekday", 33)
    found = (await data(graphql, QUERY))["sensors"]["nodes"]
    speeds = {node["sensor"]: {row["speedKmh"] for row in node["pattern"]} for node in found}
    assert (speeds["t:side"], speeds["t:Main Street-0"]) == ({33.0}, {15.0})
