"""DATEX II v2 situation publications (XML), Europe's exchange format for traffic information; https://datex2.eu.

A situation is one incident: its records, such as an accident, the lane closed by it and the queue behind it, tell
parts of it. It begins with the first of them and is over with the last. Of several versions the highest counts.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from xml.etree.ElementTree import Element, tostring

from ingest.sources.live.datex2_document import anywhere, said, situations, type_of
from ingest.sources.live.feed import Document, Feed, Part
from ingest.sources.live.json_document import count
from ingest.sources.live.report import UNSAID, Place, Report, moment, part, place
from ingest.sources.outcome import Refused
from ingest.sources.replay.times import Times
from schema.events import IncidentKind, Severity

NAME: Final = "datex2"
AWARE: Final = Times(None)
SEVERITIES: Final[Mapping[str, Severity]] = {  # from the worst
    "highest": "critical",
    "high": "high",
    "medium": "medium",
    "low": "low",
    "lowest": "low",
    "none": "low",
}
ROADS: Final = ("roadNumber", "roadName")
KINDS: Final[Mapping[str, IncidentKind]] = {  # of records, the most telling of a situation first
    "Accident": "collision",
    "VehicleObstruction": "breakdown",
    "ConstructionWorks": "road_works",
    "MaintenanceWorks": "road_works",
    "PublicEvent": "event",
    "DisturbanceActivity": "event",
    "WeatherRelatedRoadConditions": "weather",
    "PoorEnvironmentConditions": "weather",
    "AnimalPresenceObstruction": "hazard",
    "EnvironmentalObstruction": "hazard",
    "GeneralObstruction": "hazard",
    "InfrastructureDamageObstruction": "hazard",
    "NonWeatherRelatedRoadConditions": "hazard",
    "EquipmentOrSystemFault": "hazard",
}


@dataclass(frozen=True)
class _Record:
    """A part of a situation, and where it stands in its own life."""

    element: Element
    started: datetime | None
    ahead: bool
    over: bool


def parse(document: Document) -> Iterable[Part]:
    """The situations that are real, in their highest versions: those under way, and those that are over."""
    found = situations(document)
    highest = {situation.get("id"): situation for situation in sorted(found, key=_version)}
    for number, situation in enumerate(found, start=1):
        key = situation.get("id", "").strip()
        if key and highest[situation.get("id")] is not situation:
            yield Refused("superseded")
        elif said(situation, "headerInformation/informationStatus") not in ("", "real"):
            yield Refused("not_real")  # a test or an exercise
        else:
            read = partial(_report, situation, document.fetched_at)
            yield part(NAME, document, number, tostring(situation), read)


def _version(situation: Element) -> int:
    return count(situation.get("version")) or 0


def _report(situation: Element, now: datetime) -> Report:
    records = [_record(element, now) for element in situation if type_of(element)]
    valid = [record.element for record in records if not (record.ahead or record.over)]
    rest = [record.element for record in records if record.ahead or record.over]
    elements = [*valid, *rest]  # what holds now is told before what does not
    return Report(
        id=situation.get("id", "").strip(),
        kind=_kind(elements),
        updated=max(_moments(elements, "situationRecordVersionTime", now), default=None),
        started=min((record.started for record in records if record.started), default=None),
        created=min(_moments(elements, "situationRecordCreationTime", now), default=None),
        severity=_severity(situation, valid or rest),
        description=_first(elements, "generalPublicComment/comment/values/value"),
        road=next((road for name in ROADS for element in elements for road in anywhere(element, name)), ""),
        place=_place(elements),
        lanes_blocked=max(_lanes_blocked(valid), default=None),
        over=bool(records) and all(record.over for record in records),
    )


def _record(element: Element, now: datetime) -> _Record:
    status = said(element, "validity/validityStatus")
    started, ends = (
        moment(said(element, f"validity/validityTimeSpecification/{name}"), AWARE, now)
        for name in ("overallStartTime", "overallEndTime")
    )
    ended = status != "active" and ends is not None and ends <= now
    stopped = "true" in (said(element, f"management/lifeCycleManagement/{name}") for name in ("end", "cancel"))
    over = ended or stopped or status == "suspended"
    return _Record(element, started, ahead=not over and started is not None and started > now, over=over)


def _moments(elements: Sequence[Element], name: str, now: datetime) -> Iterable[datetime]:
    found = (moment(said(element, name), AWARE, now) for element in elements)
    return (time for time in found if time is not None)


def _kind(elements: Sequence[Element]) -> IncidentKind:
    types = {type_of(element) for element in elements}
    return next((kind for name, kind in KINDS.items() if name in types), "other")


def _severity(situation: Element, elements: Sequence[Element]) -> Severity:
    """The situation's, or else the worst of its records'."""
    stated = said(situation, "overallSeverity")
    records = {said(element, "severity") for element in elements}
    worst = next((ours for theirs, ours in SEVERITIES.items() if theirs in records), UNSAID)
    return SEVERITIES.get(stated, worst)


def _first(elements: Sequence[Element], path: str) -> str:
    return next(filter(None, (said(element, path) for element in elements)), "")


def _place(elements: Sequence[Element]) -> Place | None:
    """The first point; most locations are codes of a table (Alert-C) and have none."""
    lats, lons = (
        [text for element in elements for text in anywhere(element, name)] for name in ("latitude", "longitude")
    )
    return place(lats[0], lons[0]) if lats and lons else None


def _lanes_blocked(elements: Sequence[Element]) -> Iterable[int]:
    found = (count(text) for element in elements for text in anywhere(element, "numberOfLanesRestricted"))
    return (lanes for lanes in found if lanes is not None)


FEED: Final = Feed(
    name=NAME,
    about="Situations of any DATEX II v2 publication, given by --url.",
    url=None,
    every=timedelta(minutes=1),
    media=("application/xml", "text/xml"),
    parse=parse,
)
