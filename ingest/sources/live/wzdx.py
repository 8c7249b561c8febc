"""WZDx work zones, the US Department of Transportation's exchange format, version 4.2 (GeoJSON).

https://github.com/usdot-jpo-ode/wzdx. Versions 4.0 and 4.1 have the same layout; 3.1 has the core details among the
other properties, and is read too. Where an event does not say its status, its dates do.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import partial
from typing import Final, Literal

import msgspec

from ingest.sources.live.feed import Document, Feed, Part
from ingest.sources.live.json_document import fields, objects, read, text
from ingest.sources.live.report import UNSAID, Report, middle, moment, part
from ingest.sources.replay.times import Times
from schema.events import IncidentKind, Severity
from urbanclear.errors import InvalidEvent

NAME: Final = "wzdx"
AWARE: Final = Times(None)
KINDS: Final[Mapping[str, IncidentKind]] = {"work-zone": "road_works", "detour": "road_works"}
OVER: Final = ("completed", "cancelled")
PLANNED: Final = ("planned", "pending")
NOT_FOR_TRAFFIC: Final = ("shoulder", "sidewalk", "bike-lane", "parking", "median")


class WorkZoneFeed(msgspec.Struct):
    """The document; `feed_info` was `road_event_feed_info` before version 4.2."""

    type: Literal["FeatureCollection"]
    features: list[msgspec.Raw]
    feed_info: dict[str, object] | None = None
    road_event_feed_info: dict[str, object] | None = None

    def __post_init__(self) -> None:
        if self.feed_info is self.road_event_feed_info is None:
            raise ValueError("it has no feed_info")


def parse(document: Document) -> Iterable[Part]:
    """The work zones and detours in place."""
    for number, element in enumerate(read(document, WorkZoneFeed, "WZDx work zone feed").features, start=1):
        yield part(NAME, document, number, bytes(element), partial(_report, element, document))


def _report(element: msgspec.Raw, document: Document) -> Report:
    feature = fields(element)
    event, now = _event(feature), document.fetched_at
    status, ends = text(event.get("event_status")), moment(event.get("end_date"), AWARE, now)
    event_type, names = text(event.get("event_type")), event.get("road_names")
    if not event_type:  # a sign or another device of a feed of those
        raise InvalidEvent("bad_kind", "it is no road event")
    return Report(
        id=text(feature.get("id")) or text(event.get("road_event_id")),
        kind=KINDS.get(event_type, "other"),
        updated=moment(event.get("update_date"), AWARE, now),
        started=moment(event.get("start_date"), AWARE, now),
        created=moment(event.get("creation_date"), AWARE, now),
        severity="low" if event_type == "detour" else _severity(text(event.get("vehicle_impact"))),
        description=text(event.get("description")) or text(event.get("name")),
        road=", ".join(filter(None, map(text, names if isinstance(names, list) else []))),
        direction=text(event.get("direction")),
        place=middle(feature.get("geometry")),
        lanes_blocked=_lanes_blocked(event.get("lanes")),
        planned=status in PLANNED,
        over=status in OVER or (not status and ends is not None and ends <= now),
    )


def _event(feature: Mapping[str, object]) -> Mapping[str, object]:
    """The properties, and among them the core details."""
    properties = feature.get("properties")
    own = properties if isinstance(properties, dict) else {}
    core = own.get("core_details")
    return {**own, **core} if isinstance(core, dict) else own


def _severity(impact: str) -> Severity:
    if impact == "all-lanes-closed":
        return "high"
    return "low" if impact.startswith("all-lanes-open") else UNSAID


def _lanes_blocked(lanes: object) -> int | None:
    """The lanes for traffic that are closed; None where lanes are not said."""
    said = [lane for lane in objects(lanes) if text(lane.get("type")) not in NOT_FOR_TRAFFIC]
    return sum(text(lane.get("status")) == "closed" for lane in said) if said else None


FEED: Final = Feed(
    name=NAME,
    about="Work zones and detours of any WZDx feed, given by --url.",
    url=None,
    every=timedelta(minutes=1),
    media=("application/geo+json", "application/json", "application/vnd.geo+json"),
    parse=parse,
)
