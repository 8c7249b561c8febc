"""The schema's text is in step with the code, and sensors are found by what REST finds them by."""

import httpx

from api.graphql.schema import FILE, new_schema, text_of_schema
from tests.api.graphql.test_graphql import data, graphql
from tests.api.resources.conftest import api, city

__all__ = ["api", "city", "graphql"]


def test_the_exported_schema_is_that_of_the_code() -> None:
    assert FILE.read_text() == text_of_schema(), "run `python -m api.graphql.schema`"


def test_neither_writes_nor_subscriptions_are_offered() -> None:
    schema = new_schema(1)._schema
    assert (schema.mutation_type, schema.subscription_type) == (None, None)


async def test_sensors_are_found_by_words_as_over_rest(graphql: httpx.AsyncClient) -> None:
    query = "query ($text: String!) { sensors(text: $text) { nodes { sensor } } }"
    for text in ("MAIN -2", "side", "100%", "main street"):
        nodes = (await data(graphql, query, text=text))["sensors"]["nodes"]
        rest = (await graphql.get("/api/v1/sensors", params={"q": text})).json()["items"]
        assert [node["sensor"] for node in nodes] == [row["sensor"] for row in rest], text
