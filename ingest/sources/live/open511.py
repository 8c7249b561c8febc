"""Open511 v1 road events as JSON, such as British Columbia's (https://api.open511.gov.bc.ca/help).

Times of a schedule come without an offset. Where the event has no `timezone` either, they are read in UTC, as British
Columbia means them, or with the offset of `created`, as others do: whichever is nearer to `created`.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from zoneinfo import available_timezones

import msgspec

from ingest.sources.live.feed import Document, Feed, Part
from ingest.sources.live.json_document import count, fields, member, objects, read, text
from ingest.sources.live.report import Report, middle, moment, part, severity
from ingest.sources.replay.times import Times
from schema.events import IncidentKind
from urbanclear.errors import FeedChanged

NAME: Final = "open511"
AWARE: Final = Times(None)
ZONES: Final = frozenset(available_timezones())
UTC: Final = "+00:00"

KINDS: Final[Mapping[str, IncidentKind]] = {
    "CONSTRUCTION": "road_works",
    "SPECIAL_EVENT": "event",
    "WEATHER_CONDITION": "weather",
    "ROAD_CONDITION": "hazard",
}
SUBTYPES: Final[Mapping[str, IncidentKind]] = {  # of INCIDENT
    "ACCIDENT": "collision",
    "SPILL": "hazard",
    "OBSTRUCTION": "hazard",
    "HAZARD": "hazard",
}


class Events(msgspec.Struct):
    """A page of events."""

    events: list[msgspec.Raw]
    pagination: object = None


def parse(document: Document) -> Iterable[Part]:
    """The incidents under way, and those archived."""
    for number, element in enumerate(_page(document).events, start=1):
        yield part(NAME, document, number, bytes(element), partial(_report, element, document))


def next_page(document: Document) -> str | None:
    """Where the page after `document` is."""
    try:
        return text(member(_page(document).pagination, "next_url")) or None
    except FeedChanged:
        return None


def _page(document: Document) -> Events:
    return read(document, Events, "Open511 list of events")


def _report(element: msgspec.Raw, document: Document) -> Report:
    event, now = fields(element), document.fetched_at
    roads = objects(event.get("roads"))
    closed = [lanes for road in roads if (lanes := count(road.get("lanes_closed"))) is not None]
    return Report(
        id=text(event.get("id")),
        kind=_kind(event),
        updated=moment(event.get("updated"), AWARE, now),
        started=min(_starts(event, now), default=None),
        created=moment(event.get("created"), AWARE, now),
        severity=severity(event.get("severity")),
        description=text(event.get("description")) or text(event.get("headline")),
        area=next((text(area.get("name")) for area in objects(event.get("areas"))), ""),
        road=next((text(road.get("name")) for road in roads), ""),
        direction=next((text(road.get("direction")) for road in roads), ""),
        place=middle(event.get("geography")),
        lanes_blocked=max(closed, default=None),
        over=text(event.get("status")) == "ARCHIVED",
    )


def _kind(event: Mapping[str, object]) -> IncidentKind:
    subtypes = event.get("event_subtypes")
    said = map(text, subtypes if isinstance(subtypes, list) else [])
    told: IncidentKind = next((SUBTYPES[name] for name in said if name in SUBTYPES), "other")
    return KINDS.get(text(event.get("event_type")), told)


def _starts(event: Mapping[str, object], now: datetime) -> Iterable[datetime]:
    """Where each stretch of the schedule begins: intervals (`2012-04-16T09:07/`), or weekly times from a date on."""
    schedule = event.get("schedule")
    intervals = member(schedule, "intervals")
    stamps = [text(interval).partition("/")[0] for interval in intervals] if isinstance(intervals, list) else []
    stamps += [
        f"{text(weekly.get('start_date'))}T{text(weekly.get('daily_start_time')) or '00:00'}"
        for weekly in objects(member(schedule, "recurring_schedules"))
    ]
    starts = (_start(stamp, event, now) for stamp in stamps)
    return (start for start in starts if start is not None)


def _start(stamp: str, event: Mapping[str, object], now: datetime) -> datetime | None:
    zone, created = text(event.get("timezone")), text(event.get("created"))
    if zone in ZONES:
        return moment(stamp, Times(zone), now)
    readings = (moment(stamp + offset, AWARE, now) for offset in ("", UTC, created[-6:]))
    known = [reading for reading in readings if reading is not None]
    told = moment(created, AWARE, now)
    return min(known, key=lambda start: abs(start - told) if told else 0, default=None)


FEED: Final = Feed(
    name=NAME,
    about="Road events of any Open511 server; by itself British Columbia's.",
    url="https://api.open511.gov.bc.ca/events?format=json&status=ACTIVE&limit=500",
    every=timedelta(minutes=1),
    media=("application/json",),
    parse=parse,
    next_page=next_page,
)
