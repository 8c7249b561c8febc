"""New York's police-reported collisions, published some days after they happened: incidents that are over.

A report says when a collision was, not when the road was clear again. That is assumed: half an hour, an hour or two,
the bounds of MUTCD's classes of incidents (2009, section 6I.01: minor, intermediate, major), by who was hurt.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec

from ingest.sources.live.feed import Document, Feed, Part
from ingest.sources.live.records import records
from ingest.sources.live.socrata import app_token, newest
from ingest.sources.outcome import Rejected
from ingest.sources.replay.columns import number
from ingest.sources.replay.times import Times, Twice
from schema.events import Incident, Severity
from urbanclear.errors import InvalidEvent

# The names that a column has had, in the form that `records` compares.
KEY: Final = ("collisionid", "uniquekey")
DATE: Final = ("crashdate", "date")
TIME: Final = ("crashtime", "time")
INJURED: Final = ("numberofpersonsinjured", "injuredpersons")
KILLED: Final = ("numberofpersonskilled", "killedpersons")

ASSUMED: Final[Mapping[Severity, timedelta]] = {
    "low": timedelta(minutes=30),
    "medium": timedelta(hours=1),
    "high": timedelta(hours=1),
    "critical": timedelta(hours=2),
}
VEHICLES: Final = range(1, 6)
LONGEST_TEXT: Final = 1000
ROWS: Final = 2_000  # about a week

Cells = Mapping[str, str]


def parse(document: Document) -> Iterable[Part]:
    """Each collision as it was reported and, once the assumed time is over, as cleared."""
    times = Times("America/New_York", ("%Y-%m-%d %H:%M", "%m/%d/%Y %H:%M"))
    for place, record in enumerate(records(document, *map(set, (KEY, DATE, TIME, INJURED, KILLED))), 1):
        try:
            reported = _reported(record.cells, times)
        except InvalidEvent as error:
            yield Rejected(document.origin(place), record.raw, error.reason, error.detail)
            continue
        yield from _history(reported, document.fetched_at)


def _history(reported: Incident, now: datetime) -> Iterator[Incident]:
    yield reported
    lasts = ASSUMED[reported.severity]
    if reported.started_at <= now - lasts:
        yield msgspec.structs.replace(reported, status="cleared", time=reported.started_at + lasts)


def _reported(cells: Cells, times: Times) -> Incident:
    key = _first(cells, KEY)
    if not key:
        raise InvalidEvent("bad_id", "the collision has no number")
    started_at = _started_at(cells, times)
    injured, killed = _count(cells, INJURED), _count(cells, KILLED)
    lat, lon = _place(cells)
    said = {
        "id": f"nyc-collisions:{key}",
        "time": started_at,
        "started_at": started_at,
        "status": "reported",
        "kind": "collision",
        "severity": _severity(injured, killed),
        "description": _description(cells, injured, killed)[:LONGEST_TEXT],
        "area": _name(cells.get("borough", "")) or None,
        "road": _name(cells.get("onstreetname", "") or cells.get("offstreetname", "")) or None,
        "lat": lat,
        "lon": lon,
    }
    try:
        return msgspec.convert(said, Incident)
    except msgspec.ValidationError as error:
        raise InvalidEvent("invalid", str(error)) from None


def _started_at(cells: Cells, times: Times) -> datetime:
    """The local date and time in UTC; in the hour that comes twice the first, as nothing tells which."""
    date = _first(cells, DATE).partition("T")[0]
    moment = times.moment(f"{date} {_first(cells, TIME)}")
    return moment.earlier if isinstance(moment, Twice) else moment


def _severity(injured: int, killed: int) -> Severity:
    if killed:
        return "critical"
    return "high" if injured > 1 else "medium" if injured else "low"


def _description(cells: Cells, injured: int, killed: int) -> str:
    """What the report says of vehicles, causes and people."""
    vehicles = [_words(_first(cells, (f"vehicletypecode{n}", f"vehicletype{n}"))).lower() for n in VEHICLES]
    factors = [_words(cells.get(f"contributingfactorvehicle{n}", "")) for n in VEHICLES]
    causes = [factor.lower() for factor in dict.fromkeys(factors) if factor not in ("", "Unspecified")]
    cross = _name(cells.get("crossstreetname", ""))
    parts = [
        "Collision" + (f" at {cross}" if cross else ""),
        ", ".join(vehicle for vehicle in vehicles if vehicle),
        ", ".join(causes),
        f"{injured} injured" if injured else "",
        f"{killed} killed" if killed else "",
    ]
    return "; ".join(part for part in parts if part)


def _place(cells: Cells) -> tuple[float | None, float | None]:
    """Latitude and longitude; none where one is missing or 0, which stands for a place that was not found."""
    lat, lon = number(cells.get("latitude", "")), number(cells.get("longitude", ""))
    return (lat, lon) if lat and lon else (None, None)


def _count(cells: Cells, names: tuple[str, ...]) -> int:
    found = number(_first(cells, names))
    return int(found or 0)


def _first(cells: Cells, names: tuple[str, ...]) -> str:
    return next((cells[name].strip() for name in names if cells.get(name, "").strip()), "")


def _name(text: str) -> str:
    """A name as on a map: `EAST 126 STREET` is East 126 Street, `143RD ST` is 143rd St."""
    return " ".join(word.capitalize() for word in text.split())


def _words(text: str) -> str:
    return " ".join(text.split())


FEED: Final = Feed(
    name="nyc-collisions",
    about="Collisions in New York, from the police's reports, some days after they happened.",
    url=newest("h9gi-nx95", "crash_date DESC,collision_id DESC", ROWS),
    every=timedelta(hours=1),
    media=("application/json", "text/csv", "text/plain"),
    parse=parse,
    lists_active=False,
    headers=app_token,
)
