"""Small documents as the servers of incident feeds send them, to change at will, and what parsers make of them."""

import gzip
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from ingest.sources.live.feed import Document, Feed, Part
from schema.events import Incident
from tests.ingest.sources.live.server import JSON

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
XML = "application/xml"
URL = "https://feeds.example/incidents"


def ny511_event(**said: object) -> dict[str, object]:
    return {
        "ID": "TRANSCOM-1",
        "LastUpdated": "01/06/2026 07:45:00",
        "StartDate": "01/06/2026 07:30:00",
        "Reported": "01/06/2026 07:35:00",
        "PlannedEndDate": "",
        "Latitude": 40.7,
        "Longitude": -73.9,
        "RegionName": "New York City Area",
        "CountyName": "Kings",
        "Severity": "Moderate",
        "RoadwayName": "I-278",
        "Description": "Crash on I-278<br/>eastbound &amp; ramp",
        "LanesStatus": '{"LanesAffectedCount":"1","LanesTotalCount":"3","LanesStatus":"closed"}',
        "EventType": "accidentsAndIncidents",
        "EventSubType": "Crash",
        **said,
    }


def ny511_list(*events: object) -> bytes:
    return json.dumps(events).encode()


def open511_event(**said: object) -> dict[str, object]:
    return {
        "id": "city.example/E-1",
        "status": "ACTIVE",
        "event_type": "INCIDENT",
        "event_subtypes": ["ACCIDENT"],
        "severity": "MODERATE",
        "headline": "INCIDENT",
        "description": "Crash at the bridge",
        "created": "2026-06-01T04:30:00-07:00",
        "updated": "2026-06-01T04:45:00-07:00",
        "schedule": {"intervals": ["2026-06-01T11:30/"]},
        "geography": {"type": "Point", "coordinates": [-122.5, 53.2]},
        "roads": [{"name": "Highway 97", "direction": "N", "lanes_closed": 1}],
        "areas": [{"id": "city.example/7", "name": "Cariboo District"}],
        **said,
    }


def open511_page(*events: object, **pagination: object) -> bytes:
    return json.dumps({"events": events, "pagination": pagination, "meta": {"version": "v1"}}).encode()


def wzdx_feature(core: Mapping[str, object] | None = None, **said: object) -> dict[str, object]:
    properties = {
        "core_details": {
            "data_source_id": "1",
            "event_type": "work-zone",
            "road_names": ["I-80", "I-35"],
            "direction": "northbound",
            "description": "Paving",
            "creation_date": "2026-05-30T08:00:00Z",
            "update_date": "2026-05-31T08:00:00Z",
            **(core or {}),
        },
        "start_date": "2026-06-01T08:00:00Z",
        "end_date": "2026-06-03T08:00:00Z",
        "vehicle_impact": "some-lanes-closed",
        "lanes": [
            {"order": 1, "type": "shoulder", "status": "closed"},
            {"order": 2, "type": "general", "status": "closed"},
            {"order": 3, "type": "general", "status": "open"},
        ],
        **said,
    }
    geometry = {"type": "LineString", "coordinates": [[-93.0, 41.0], [-93.1, 41.1], [-93.2, 41.2]]}
    return {"id": "wz-1", "type": "Feature", "properties": properties, "geometry": geometry}


def wzdx_feed(*features: object, **said: object) -> bytes:
    info = {"version": "4.2", "publisher": "Test DOT", "update_date": "2026-06-01T11:59:00Z"}
    document = {"feed_info": info, "type": "FeatureCollection", "features": features, **said}
    return json.dumps(document).encode()


def datex2_record(
    kind: str = "Accident",
    *,
    version_time: str = "2026-06-01T14:45:00+03:00",
    status: str = "active",
    start: str = "2026-06-01T14:30:00+03:00",
    end: str = "",
    severity: str = "medium",
    more: str = "",
) -> str:
    ends = f"<overallEndTime>{end}</overallEndTime>" if end else ""
    return f"""<situationRecord xsi:type="{kind}" id="R1" version="1">
        <situationRecordCreationTime>2026-06-01T14:31:00+03:00</situationRecordCreationTime>
        <situationRecordVersionTime>{version_time}</situationRecordVersionTime>
        <severity>{severity}</severity>
        <validity><validityStatus>{status}</validityStatus><validityTimeSpecification>
            <overallStartTime>{start}</overallStartTime>{ends}
        </validityTimeSpecification></validity>{more}
    </situationRecord>"""


def datex2_situation(*records: str, key: str = "GUID1", version: str = "1", information: str = "real") -> str:
    return f"""<situation id="{key}" version="{version}">
        <headerInformation><informationStatus>{information}</informationStatus></headerInformation>
        {"".join(records)}
    </situation>"""


def datex2_publication(*situations: str) -> bytes:
    return f"""<?xml version="1.0" encoding="UTF-8"?>
    <d2LogicalModel xmlns="http://datex2.eu/schema/2/2_0" modelBaseVersion="2"
                    xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
        <exchange><supplierIdentification><country>fi</country></supplierIdentification></exchange>
        <payloadPublication xsi:type="SituationPublication" lang="fi">
            <publicationTime>2026-06-01T12:00:00Z</publicationTime>
            {"".join(situations)}
        </payloadPublication>
    </d2LogicalModel>""".encode()


def parts(feed: Feed, body: bytes, now: datetime = NOW) -> list[Part]:
    """What the feed's parser makes of a document."""
    return list(feed.parse(Document(URL, JSON, body, now)))


def only(feed: Feed, body: bytes, now: datetime = NOW) -> Incident:
    """The one incident in a document."""
    [found] = parts(feed, body, now)
    assert isinstance(found, Incident), found
    return found


def incidents(found: Iterable[Part]) -> dict[str, Incident]:
    """The incidents among parts, by id."""
    return {part.id: part for part in found if isinstance(part, Incident)}


def recorded(folder: Path, name: str) -> bytes:
    """A real document of the folder of incidents."""
    with gzip.open(folder / "incidents" / name) as file:
        return file.read()
