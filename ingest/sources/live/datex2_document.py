"""The form of DATEX II v2 documents: XML read safely, and the way to what its elements say.

No document type, no entities, nothing from elsewhere: whatever declares them is refused. How large a document may be
is the fetcher's to bound.
"""

from io import BytesIO
from typing import Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from ingest.sources.live.feed import Document
from urbanclear.errors import FeedChanged

DATEX2: Final = "{http://datex2.eu/schema/2/2_0}"
TYPE: Final = "{http://www.w3.org/2001/XMLSchema-instance}type"
DEEPEST: Final = 100  # levels of elements; real documents have about 15


def situations(document: Document) -> list[Element]:
    """The situations of a publication; raises `FeedChanged` where the document is none."""
    root = _root(document)
    publication = root.find(f"{DATEX2}payloadPublication")
    if root.tag != f"{DATEX2}d2LogicalModel" or publication is None or type_of(publication) != "SituationPublication":
        raise FeedChanged(f"{document.url} is no DATEX II v2 situation publication: look at what it answers.")
    return publication.findall(f"{DATEX2}situation")


def type_of(element: Element) -> str:
    """The type that an element says it is of, without its prefix."""
    return element.get(TYPE, "").rpartition(":")[2]


def said(element: Element, path: str) -> str:
    """The text at the first place of `path`, steps parted by slashes; empty where there is none."""
    found = element.find("/".join(DATEX2 + step for step in path.split("/")))
    return _text(found) if found is not None else ""


def anywhere(element: Element, name: str) -> list[str]:
    """The texts of all elements called `name` below `element`, however deep."""
    return [_text(found) for found in element.iter(DATEX2 + name)]


def _text(element: Element) -> str:
    return "".join(element.itertext()).strip()


def _root(document: Document) -> Element:
    try:
        parsing = iterparse(BytesIO(document.body), events=("start", "end"), forbid_dtd=True)
        root: Element = next(parsing)[1]
        depth = 1
        for event, _ in parsing:
            depth += 1 if event == "start" else -1
            if depth > DEEPEST:
                raise FeedChanged(f"{document.url} is refused: its XML is more than {DEEPEST} levels deep.")
    except DefusedXmlException as error:
        raise FeedChanged(f"{document.url} is refused: its XML declares what no feed needs ({error}).") from None
    except (ParseError, ValueError, LookupError) as error:  # the latter two: an encoding that expat does not have
        raise FeedChanged(f"{document.url} is no whole XML document ({error}): look at what it answers.") from None
    return root
