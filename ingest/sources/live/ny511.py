"""511NY, the State of New York's traveller information: its `getevents` document, all of the state's events.

https://511ny.org/developers/help. Times are New York's, day first. Whether an event still goes on is told by its
being listed: the end is only what was planned, and work often takes longer.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import partial
from typing import Final

import msgspec

from ingest.sources.live.feed import Document, Feed, Part
from ingest.sources.live.json_document import count, fields, member, read, text
from ingest.sources.live.report import Report, moment, part, place, severity
from ingest.sources.replay.times import Times
from schema.events import UNREADABLE, IncidentKind
from urbanclear.settings import Settings

NAME: Final = "ny511"
TIMES: Final = Times("America/New_York", ("%d/%m/%Y %H:%M:%S",))
LIST: Final = "list of 511NY's events; is URBANCLEAR_NY511_KEY a valid key?"

KINDS: Final[Mapping[str, IncidentKind]] = {"roadwork": "road_works", "specialEvents": "event"}
WORDS: Final[Mapping[IncidentKind, re.Pattern[str]]] = {  # of the other types' subtypes
    "collision": re.compile(r"accident|crash|collision|overturn|jack-?knife", re.I),
    "breakdown": re.compile(r"disabled|stalled|break ?down|broken|abandoned", re.I),
    "road_works": re.compile(r"road ?work|construction|maintenance|repair|paving|utility|bridge work", re.I),
    "weather": re.compile(r"\b(flood\w*|snow|ice|icy|fog|wind|weather|storm)\b", re.I),
    "hazard": re.compile(r"debris|spill|fire|obstruction|hazard|pothole|downed|fallen|animal|signal|police", re.I),
}
BOROUGHS: Final = {
    "New York": "Manhattan",
    "Kings": "Brooklyn",
    "Richmond": "Staten Island",
}  # counties of the city by the names that its own feeds use; Queens and the Bronx are called the same


def parse(document: Document) -> Iterable[Part]:
    """The incidents under way."""
    for number, element in enumerate(read(document, list[msgspec.Raw], LIST), start=1):
        yield part(NAME, document, number, bytes(element), partial(_report, element, document))


def _report(element: msgspec.Raw, document: Document) -> Report:
    event = fields(element)
    updated, started, created = (
        moment(event.get(name), TIMES, document.fetched_at) for name in ("LastUpdated", "StartDate", "Reported")
    )
    county = text(event.get("CountyName"))
    return Report(
        id=text(event.get("ID")),
        kind=_kind(text(event.get("EventType")), text(event.get("EventSubType"))),
        updated=updated,
        started=started,
        created=created,
        severity=severity(event.get("Severity")),
        description=text(event.get("Description")),
        area=BOROUGHS.get(county, county) or text(event.get("RegionName")),
        road=text(event.get("RoadwayName")),
        direction=text(event.get("DirectionOfTravel")),
        place=place(event.get("Latitude"), event.get("Longitude")),
        lanes_blocked=_lanes_blocked(text(event.get("LanesStatus"))),
    )


def _kind(event_type: str, subtype: str) -> IncidentKind:
    found = (kind for kind, words in WORDS.items() if words.search(subtype))
    return KINDS.get(event_type, next(found, "other"))


def _lanes_blocked(said: str) -> int | None:
    """Of JSON in a string: `{"LanesAffectedCount":"1","LanesDetail":"1 Left lane","LanesStatus":"closed"}`."""
    try:
        lanes = msgspec.json.decode(said)
    except UNREADABLE:
        return None
    status = text(member(lanes, "LanesStatus")).lower()
    if status == "open":
        return 0
    every = text(member(lanes, "LanesDetail")).lower() == "all lanes"
    blocked = count(member(lanes, "LanesTotalCount" if every else "LanesAffectedCount"))
    return blocked if status == "closed" else None


def key(settings: Settings) -> Mapping[str, str]:
    """The query parameter that carries the key, where there is one."""
    return {} if settings.ny511_key is None else {"key": settings.ny511_key.get_secret_value()}


FEED: Final = Feed(
    name=NAME,
    about="Incidents, road works, closures and events in the State of New York; needs a key.",
    url="https://511ny.org/api/getevents?format=json",
    every=timedelta(minutes=1),
    media=("application/json",),
    parse=parse,
    params=key,
)
