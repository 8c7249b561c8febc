"""What a query would take is known before it is run, quickly, however much a short text stands for."""

import asyncio
import time
from typing import Any

import pytest
from graphql import OperationDefinitionNode, get_introspection_query, parse
from hypothesis import given
from hypothesis import strategies as st

from api.graphql.cost import LARGEST, Scales, Weight
from api.graphql.schema import new_schema

QUICK_SECONDS = 2.0
SCHEMA = new_schema(50_000)


def weight_of(query: str, **variables: Any) -> Weight:
    document = parse(query)
    [operation] = [part for part in document.definitions if isinstance(part, OperationDefinitionNode)]
    return Scales(document, variables).weigh(operation.selection_set)


def chain(count: int, last: str) -> str:
    """Fragments that each spread the next one twice: 2**count times `last`."""
    links = [f"fragment f{number} on Query {{ ...f{number + 1} ...f{number + 1} }}" for number in range(count)]
    return " ".join(["{ ...f0 }", *links, f"fragment f{count} on Query {{ {last} }}"])


def refusal(query: str, **variables: Any) -> tuple[str, str]:
    """The code, empty where it has none, and the message."""
    started = time.perf_counter()
    result = asyncio.run(SCHEMA.execute(query, variable_values=variables))
    assert time.perf_counter() - started < QUICK_SECONDS
    [error] = result.errors or []
    return (error.extensions or {}).get("code", ""), error.message


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (chain(20, "weather { time }"), "fields"),
        (chain(60, "weather { time }"), f"more than {LARGEST:,} fields"),
        (chain(60, "a: weather { time }"), f"more than {LARGEST:,} aliases"),
        (chain(150, "weather { time }"), "nested"),
        (chain(60, "...f0"), "itself"),
        ("{ ...a } fragment a on Query { ...a }", "itself"),
        ("{ sensors { nodes " * 5 + "{ sensor }" + "} }" * 5, "10 levels of depth"),
        ("{ " + "__typename " * 501 + "}", "501 fields"),
        (f"{{ weather(limit: {'9' * 5_000}) {{ time }} }}", "digits"),
        ("{ ... " * 80 + "{ __typename }" + "}" * 80, "nested"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_stands_for_too_much_is_refused_quickly(query: str, words: str) -> None:
    assert words in refusal(query)[1]


@pytest.mark.parametrize(
    ("head", "variables"),
    [
        ("query ($n: Int! = 1000)", {}),
        ("query ($n: Int = 1000)", {"m": 1}),
        ("query ($n: Int!)", {"n": 1000}),
    ],
)
def test_a_variable_costs_what_it_is_by_default_too(head: str, variables: dict[str, int]) -> None:
    query = "{ sensors(first: $n) { nodes { readings(last: $n) { time } } } }"
    assert refusal(f"{head} {query}", **variables)[0] == "TOO_COSTLY"


def test_the_schema_may_be_asked_for_whole() -> None:
    result = asyncio.run(SCHEMA.execute(get_introspection_query()))
    assert result.errors is None
    assert weight_of(get_introspection_query()).rows == 0


@st.composite
def selections(draw: st.DrawFn, deepest: int = 3) -> str:
    """Of a sensor; FRAGMENT stands where a fragment leads on."""
    parts = [draw(st.sampled_from(["sensor", "a: sensor", "name"]))]
    for _ in range(draw(st.integers(0, 2)) if deepest else 0):
        inner = draw(selections(deepest - 1))
        count = draw(st.integers(1, 20))
        form = draw(st.sampled_from(["readings(last: {count}) {inner}", "x: current {inner}", "... {inner}"]))
        parts.append(form.format(count=count, inner=inner))
    if draw(st.booleans()):
        parts.append("...FRAGMENT")
    return f"{{ {' '.join(parts)} }}"


@given(st.lists(selections(), min_size=1, max_size=4))
def test_fragments_weigh_what_their_text_in_their_place_would(bodies: list[str]) -> None:
    names = [f"f{number}" for number in range(len(bodies))]
    spread, written = [], ""
    for body, following in zip(bodies, [*names[1:], None], strict=True):
        spread.append(body.replace("...FRAGMENT", f"...{following}" if following else ""))
    for body in reversed(bodies):
        written = body.replace("...FRAGMENT", f"... {written}" if written else "")
    fragments = " ".join(f"fragment {name} on Sensor {body}" for name, body in zip(names, spread, strict=True))
    head = '{ sensor(id: "x") '
    assert weight_of(f"{head} {{ ...f0 }} }} {fragments}") == weight_of(f"{head} {written} }}")
