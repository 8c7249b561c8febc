"""DATEX II situations: the recorded ones against their XML, validity, versions, and documents that mean harm."""

from datetime import UTC, datetime
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given
from hypothesis import strategies as st

from ingest.sources.live.datex2 import FEED
from ingest.sources.outcome import Refused, Rejected
from schema.events import Incident
from tests.ingest.sources.live.conftest import OpenPolling
from tests.ingest.sources.live.incident_documents import (
    NOW,
    URL,
    XML,
    datex2_publication,
    datex2_record,
    datex2_situation,
    incidents,
    only,
    parts,
    recorded,
)
from tests.ingest.sources.live.server import Answer, FeedServer
from tests.ingest.sources.live.spoiling import assert_survives, spoilt_xml
from tests.kafka_content import read_all
from urbanclear.errors import FeedChanged

SMALL = datex2_publication(datex2_situation(datex2_record()), datex2_situation(datex2_record(), key="GUID2"))
NAMES = {"d": "http://datex2.eu/schema/2/2_0"}
COMMENT = "<generalPublicComment><comment><values><value>{}</value></values></comment></generalPublicComment>"
POINT = """<groupOfLocations xsi:type="Point"><pointByCoordinates><pointCoordinates>
    <latitude>{}</latitude><longitude>{}</longitude></pointCoordinates></pointByCoordinates></groupOfLocations>"""
RECORDED = {
    "Datex2_2019-11-26-15-35-08-487": ("2019-11-26T13:36:00Z", ["collision", "collision"], ["low", "low"]),
    "Roadwork": ("2024-08-30T07:00:00Z", ["road_works"], ["critical"]),
    "Roadwork_lane_management": ("2023-09-06T12:00:00Z", ["road_works"], ["high"]),
    "TrafficSituationAbnormalTraffic": ("2022-11-18T09:46:00Z", ["collision"], ["low"]),
    "TrafficSituationAccidentAndRoadOrCarriagewayOrLaneManagement": ("2022-03-03T13:53:00Z", ["collision"], ["low"]),
    "TrafficSituationRoadOrCarriagewayOrLaneManagementAndWeatherCondition": (
        "2022-03-03T10:23:00Z",
        ["weather"],
        ["low"],
    ),
}


def situation(*records: str, **said: str) -> Incident:
    return only(FEED, datex2_publication(datex2_situation(*records, **said)))


def times(element: Element, path: str) -> list[datetime]:
    found = [text for text in (one.text or "" for one in element.iterfind(path, NAMES)) if text[:1] == "2"]
    return [datetime.fromisoformat(text) for text in found]


@pytest.mark.parametrize("name", RECORDED)
def test_the_recorded_situations_are_told_as_they_stand_there(shared_data: Path, name: str) -> None:
    asked, kinds, severities = RECORDED[name]
    body = recorded(shared_data, f"datex2/{name}.xml.gz")
    elements = list(fromstring(body).iterfind(".//d:situation", NAMES))
    newest = {one.attrib["id"]: one for one in sorted(elements, key=lambda one: int(one.attrib["version"]))}
    found = parts(FEED, body, datetime.fromisoformat(asked))
    told = incidents(found)
    assert set(told) == {f"datex2:{key}" for key in newest}
    assert [(one.kind, one.severity) for one in told.values()] == list(zip(kinds, severities, strict=True))
    assert found.count(Refused("superseded")) == len(elements) - len(newest)
    for key, element in newest.items():
        incident = told[f"datex2:{key}"]
        assert incident.status == "reported"
        assert incident.time == max(times(element, ".//d:situationRecordVersionTime"))
        assert incident.started_at == min(times(element, ".//d:overallStartTime"))
        comments = [" ".join((value.text or "").split()) for value in element.iterfind(".//d:value", NAMES)]
        assert incident.description in [text if len(text) <= 1000 else text[:999] + "…" for text in comments]
        assert (incident.lat, incident.lon) == (None, None), "they are codes of a table"


def test_the_recorded_road_works_end_when_their_last_record_does(shared_data: Path) -> None:
    body = recorded(shared_data, "datex2/Roadwork.xml.gz")
    ends = max(times(fromstring(body), ".//d:overallEndTime"))
    assert only(FEED, body, ends.replace(year=ends.year - 1)).status == "reported"
    assert only(FEED, body, ends).status == "cleared"
    assert parts(FEED, body, datetime(2024, 5, 12, 20, 59, tzinfo=UTC)) == [Refused("planned")]


def test_a_situation_is_an_incident() -> None:
    lanes = "<impact><numberOfLanesRestricted>2</numberOfLanesRestricted></impact>"
    told = situation(
        datex2_record("RoadOrCarriagewayOrLaneManagement", more=lanes, severity="high"),
        datex2_record(
            more=COMMENT.format("Crash &lt;b&gt;at the bridge&lt;/b&gt;")
            + "<x><roadNumber>E18</roadNumber></x>"
            + POINT.format(60.2, 24.9)
        ),
    )
    assert told == Incident(
        id="datex2:GUID1",
        time=datetime(2026, 6, 1, 11, 45, tzinfo=UTC),
        status="reported",
        kind="collision",
        severity="high",
        started_at=datetime(2026, 6, 1, 11, 30, tzinfo=UTC),
        description="Crash at the bridge",
        road="E18",
        lat=60.2,
        lon=24.9,
        lanes_blocked=2,
    )


@pytest.mark.parametrize(
    ("types", "kind"),
    [
        (["AbnormalTraffic", "VehicleObstruction"], "breakdown"),
        (["SpeedManagement", "ConstructionWorks"], "road_works"),
        (["PublicEvent"], "event"),
        (["PoorEnvironmentConditions", "GeneralObstruction"], "weather"),
        (["AnimalPresenceObstruction"], "hazard"),
        (["AbnormalTraffic"], "other"),
    ],
)
def test_the_most_telling_record_gives_the_kind(types: list[str], kind: str) -> None:
    assert situation(*map(datex2_record, types)).kind == kind


PAST, FUTURE = "2026-06-01T11:59:00Z", "2026-06-01T12:01:00Z"
BY_TIMES = "definedByValidityTimeSpec"


@pytest.mark.parametrize(
    ("record", "status"),
    [
        (datex2_record(status="active", end=PAST), "reported"),  # said outright, longer than thought
        (datex2_record(status=BY_TIMES, end=FUTURE), "reported"),
        (datex2_record(status=BY_TIMES, end=PAST), "cleared"),
        (datex2_record(status=BY_TIMES, end="OVERALL_END_TIME"), "reported"),
        (datex2_record(status="suspended"), "cleared"),
        (
            datex2_record(more="<management><lifeCycleManagement><end>true</end></lifeCycleManagement></management>"),
            "cleared",
        ),
    ],
)
def test_validity_tells_whether_a_situation_goes_on(record: str, status: str) -> None:
    assert situation(record).status == status
    assert situation(record, datex2_record()).status == "reported", "while another record is valid"


def test_a_situation_whose_records_are_all_to_come_is_planned() -> None:
    ahead = datex2_record(status=BY_TIMES, start=FUTURE)
    assert parts(FEED, datex2_publication(datex2_situation(ahead, ahead))) == [Refused("planned")]
    assert situation(ahead, datex2_record()).started_at == datetime(2026, 6, 1, 11, 30, tzinfo=UTC)


def test_tests_and_exercises_are_no_incidents() -> None:
    drill = datex2_situation(datex2_record(), information="securityExercise")
    assert parts(FEED, datex2_publication(drill)) == [Refused("not_real")]


def test_only_the_highest_version_counts() -> None:
    older = datex2_situation(datex2_record(severity="low"), version="9")
    newer = datex2_situation(datex2_record(severity="high"), version="10")
    found = parts(FEED, datex2_publication(newer, older))
    assert [one.severity for one in incidents(found).values()] == ["high"]
    assert found[1] == Refused("superseded")


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (datex2_situation(datex2_record(), key=""), "bad_id"),
        (datex2_situation(key="GUID9"), "bad_time"),
        (datex2_situation(datex2_record(more=POINT.format(160.2, 24.9)), key="GUID9"), "bad_place"),
    ],
)
def test_a_situation_that_cannot_be_used_is_rejected_with_its_xml_and_its_neighbours_pass(
    bad: str, reason: str
) -> None:
    found = parts(FEED, datex2_publication(datex2_situation(datex2_record()), bad))
    rejected = found[1]
    assert isinstance(rejected, Rejected)
    assert (rejected.origin, rejected.reason) == (f"{URL}#2", reason)
    assert fromstring(rejected.row).tag == "{http://datex2.eu/schema/2/2_0}situation"
    assert len(incidents(found)) == 1


BOMB = b'<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;&b;">]>'
OUTSIDE = b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>'
DTD = b'<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd">'


@pytest.mark.parametrize("declared", [BOMB, OUTSIDE, DTD])
def test_a_document_that_declares_anything_is_refused(declared: bytes) -> None:
    with pytest.raises(FeedChanged, match=r"is refused: its XML declares"):
        parts(FEED, SMALL.replace(b"<d2LogicalModel", declared + b"<d2LogicalModel", 1))


def test_a_document_nested_without_end_is_refused() -> None:
    with pytest.raises(FeedChanged, match="more than 100 levels deep"):
        parts(FEED, SMALL.replace(b"<headerInformation>", b"<a>" * 5_000 + b"<headerInformation>", 1))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00",
        b"{}",
        b"<!doctype html><html><body><br></body></html>",
        b"<html/>",
        b'<?xml version="1.0" encoding="shift_jis"?><a/>',
        b'<?xml version="1.0" encoding="none"?><a/>',
        SMALL.replace(b"schema/2/2_0", b"schema/3/common"),
        SMALL.replace(b'"SituationPublication"', b'"MeasuredDataPublication"'),
        SMALL.replace(b"payloadPublication", b"somethingElse"),
    ],
)
def test_a_document_of_another_form_is_told(body: bytes) -> None:
    with pytest.raises(FeedChanged, match=r"\.$"):
        parts(FEED, body)


@given(st.integers(0, len(SMALL.rstrip()) - 1))
def test_a_document_that_is_cut_off_is_of_no_use(length: int) -> None:
    with pytest.raises(FeedChanged):
        parts(FEED, SMALL[:length])


@given(spoilt_xml(SMALL))
def test_no_spoilt_document_breaks_the_parser(body: bytes) -> None:
    assert_survives(FEED, body)


async def test_an_incident_appears_changes_and_vanishes(
    feed_server: FeedServer, polling: OpenPolling, kafka_bootstrap: str
) -> None:
    changed = datex2_record(version_time="2026-06-01T11:55:00Z", severity="high")
    records = [[datex2_record()], [changed], [changed], []]
    bodies = [datex2_publication(*(datex2_situation(record) for record in listed)) for listed in records]
    feed_server.answers(*(Answer(body, XML) for body in bodies))
    async with polling(FEED, now=NOW) as polls:
        await polls.poll(5)
    told = [(one.id, one.status, one.severity) for one in await read_all(kafka_bootstrap, Incident)]
    assert told == [
        ("datex2:GUID1", "reported", "medium"),
        ("datex2:GUID1", "updated", "high"),
        ("datex2:GUID1", "cleared", "high"),
    ]
