"""What a feed says of one incident, and what becomes of that: an `Incident`, work that is only planned, or a letter.

What all feeds of incidents have in common is decided here; their parsers only find where each of them says it.
"""

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import nan
from typing import Final, NamedTuple, get_args

from ingest.sources.live.feed import Document, Part
from ingest.sources.outcome import Refused, Rejected
from ingest.sources.replay.times import Times, Twice
from schema.events import Incident, IncidentKind, Severity, Text, decode, encode
from urbanclear.errors import InvalidEvent

LONGEST_TEXT: Final[int] = get_args(Text)[1].max_length
LONGEST_MARKUP: Final = 20 * LONGEST_TEXT  # what is read of a text that may be full of tags
MOST_LANES: Final = 20
UNSAID: Final[Severity] = "medium"  # neither hidden by a filter nor the first on a list
SEVERITIES: Final[Mapping[str, Severity]] = {  # the words of North America's traveller information
    "minor": "low",
    "moderate": "medium",
    "major": "high",
    "severe": "critical",
}

_MARKUP = re.compile(r"<(script|style)\b.*?</\1\s*>|<!--.*?-->|</?[a-z!][^<>]*>", re.DOTALL | re.IGNORECASE)
_COMPASS = re.compile(r"(n|e|s|w)b?|(north|east|south|west)([ -]?bound)?", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class Place(NamedTuple):
    """Degrees, WGS 84."""

    lat: float
    lon: float


@dataclass(frozen=True)
class Report:
    """One incident, in our words. `planned` and `over` are what the feed says outright."""

    id: str  # the feed's own
    kind: IncidentKind
    updated: datetime | None
    started: datetime | None
    created: datetime | None = None
    severity: Severity = UNSAID
    description: str = ""
    area: str = ""
    road: str = ""
    direction: str = ""
    place: Place | None = None
    lanes_blocked: int | None = None
    planned: bool = False
    over: bool = False


def part(feed: str, document: Document, number: int, row: bytes, read: Callable[[], Report]) -> Part:
    """What the document's element `number`, whose bytes are `row`, comes to; `read` may raise `InvalidEvent`."""
    try:
        report = read()
        incident = _incident(feed, report)
    except InvalidEvent as error:
        return Rejected(document.origin(number), row, error.reason)
    ahead = report.started is not None and report.started > document.fetched_at
    return Refused("planned") if (report.planned or ahead) and not report.over else incident


def _incident(feed: str, report: Report) -> Incident:
    """The event, checked against the contract; raises `InvalidEvent`."""
    started = report.started or report.created or report.updated
    time = report.updated or started
    if not report.id:
        raise InvalidEvent("bad_id", "it has no id")
    if started is None or time is None:
        raise InvalidEvent("bad_time", "none of its times can be read")
    incident = Incident(
        id=f"{feed}:{report.id}",
        time=time,
        status="cleared" if report.over else "reported",
        kind=report.kind,
        severity=report.severity,
        started_at=started,
        description=plain_text(report.description),
        area=plain_text(report.area) or None,
        road=plain_text(report.road) or None,
        direction=compass(report.direction),
        lat=report.place and report.place.lat,
        lon=report.place and report.place.lon,
        lanes_blocked=None if report.lanes_blocked is None else min(report.lanes_blocked, MOST_LANES),
    )
    return decode(Incident, encode(incident))


def severity(word: object) -> Severity:
    """What a 511 service calls minor, moderate, major or severe."""
    return SEVERITIES.get(word.strip().lower(), UNSAID) if isinstance(word, str) else UNSAID


def compass(word: str) -> str | None:
    """N, E, S or W of a word such as `N`, `northbound` or `North`; None of `both`, `inner loop` and the like."""
    found = _COMPASS.fullmatch(word.strip())
    return found[0][0].upper() if found else None


def plain_text(markup: str) -> str:
    """Text without tags, character references and control characters, in one line, cut to the contract's length."""
    bare = html.unescape(_MARKUP.sub(" ", markup[:LONGEST_MARKUP]))
    words = " ".join(_CONTROL.sub(" ", bare).split())
    return words if len(words) <= LONGEST_TEXT else words[: LONGEST_TEXT - 1].rstrip() + "…"


def moment(stamp: object, times: Times, now: datetime) -> datetime | None:
    """When `stamp` is, in UTC; None where that cannot be read. Of two times it may mean, the newest that is past."""
    if not isinstance(stamp, str):
        return None
    try:
        found = times.moment(stamp)
    except (InvalidEvent, OverflowError):  # OverflowError: the end of the year 9999
        return None
    if isinstance(found, Twice):
        return found.later if found.later <= now else found.earlier
    return found


def place(lat: object, lon: object) -> Place | None:
    """A place; None where there is none. Raises `InvalidEvent` where it is not on Earth."""
    if lat in (None, "") or lon in (None, ""):
        return None
    found = Place(_degrees(lat), _degrees(lon))
    if found == (0, 0):  # what many servers say for "not known"
        return None
    if not (-90 <= found.lat <= 90 and -180 <= found.lon <= 180):
        raise InvalidEvent("bad_place", "its coordinates are out of range")
    return found


def middle(geometry: object) -> Place | None:
    """The point in the middle of a GeoJSON geometry's points (RFC 7946); raises `InvalidEvent` as `place` does."""
    at = geometry.get("coordinates") if isinstance(geometry, Mapping) else None
    while isinstance(at, list) and at and isinstance(at[0], list):
        at = at[(len(at) - 1) // 2]
    if not isinstance(at, list) or not at:
        return None
    return place(at[1] if len(at) > 1 else nan, at[0])


def _degrees(value: object) -> float:
    try:
        return float(value) if isinstance(value, int | float | str) else nan
    except (ValueError, OverflowError):
        return nan
