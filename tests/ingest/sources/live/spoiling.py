"""Documents with a few things wrong, for property tests: members and elements dropped, replaced, or cut off."""

import copy
import json
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import tostring

from defusedxml.ElementTree import fromstring
from hypothesis import strategies as st

from ingest.sources.live.feed import Feed
from ingest.sources.outcome import Refused, Rejected
from schema.events import Incident, decode, encode
from tests.ingest.sources.live.incident_documents import parts
from urbanclear.errors import FeedChanged

ODD_TEXTS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [
            "9999-12-31T23:59:59",
            "0001-01-01T00:00:00+14:00",
            "31/12/9999 23:59:59",
            "01/01/0001 00:00:00",
            "nan",
            "1e999",
        ]
    ),
    st.integers(1_001, 3_000).map(lambda length: "ä" * length),
    st.just("<b>" * 400 + "\x00&#0;\ud7ff<!--"),
)
ODD_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    ODD_TEXTS,
    st.recursive(st.just([]), lambda inner: st.lists(inner, max_size=3), max_leaves=5),
    st.just({}),
)
Place = tuple[Any, Any]  # a container and a key or index of it


@st.composite
def spoilt_json(draw: st.DrawFn, body: bytes) -> bytes:
    """The document with one to four of its values dropped or replaced, at any depth."""
    document = json.loads(body)
    for _ in range(draw(st.integers(1, 4))):
        places = list(_places(document))
        if not places:
            break
        container, key = places[draw(st.integers(0, len(places) - 1))]
        if draw(st.booleans()):
            del container[key]
        else:
            container[key] = copy.deepcopy(draw(ODD_VALUES))
    return json.dumps(document).encode()


def _places(value: Any) -> Iterator[Place]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield value, key
        yield from _places(inner)


@st.composite
def spoilt_xml(draw: st.DrawFn, body: bytes) -> bytes:
    """The document with one to four of its elements, texts or attributes dropped or replaced."""
    root = fromstring(body)
    texts = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs", "Cn"]), max_size=30)
    for _ in range(draw(st.integers(1, 4))):
        parents = [element for element in root.iter() if len(element)]
        if not parents:
            break
        parent = parents[draw(st.integers(0, len(parents) - 1))]
        child = parent[draw(st.integers(0, len(parent) - 1))]
        match draw(st.sampled_from(["drop", "text", "attribute", "twice"])):
            case "drop":
                parent.remove(child)
            case "text":
                child.text = draw(texts)
            case "attribute":
                child.attrib = {name: draw(texts) for name in child.attrib}
            case _:
                parent.append(copy.deepcopy(child))
    return tostring(root)


def assert_survives(feed: Feed, body: bytes) -> None:
    """The parser either says that the document is of no use, or gives parts of which every incident can travel."""
    try:
        found = parts(feed, body)
    except FeedChanged as error:
        assert str(error).endswith(".")
        return
    for part in found:
        assert isinstance(part, Incident | Refused | Rejected)
        if isinstance(part, Incident):
            assert decode(Incident, encode(part)) == part
            assert part.id.startswith(f"{feed.name}:")
