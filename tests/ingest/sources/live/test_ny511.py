"""511NY's events: the recorded ones against their JSON, the words of its own, and what is wrong with a document."""

import json
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from ingest.sources.live.ny511 import FEED
from ingest.sources.outcome import Refused, Rejected
from schema.events import Incident
from tests.ingest.sources.live.conftest import OpenPolling
from tests.ingest.sources.live.incident_documents import (
    NOW,
    incidents,
    ny511_event,
    ny511_list,
    only,
    parts,
    recorded,
)
from tests.ingest.sources.live.server import Answer, FeedServer
from tests.ingest.sources.live.spoiling import assert_survives, spoilt_json
from tests.kafka_content import read_all
from urbanclear.errors import FeedChanged
from urbanclear.settings import Settings

SMALL = ny511_list(ny511_event(), ny511_event(ID="TRANSCOM-2"))
RECORDED = "ny511/getevents_5_of_fixture.json.gz"


def local(stamp: str) -> datetime:
    return datetime.strptime(stamp, "%d/%m/%Y %H:%M:%S").replace(tzinfo=ZoneInfo("America/New_York"))


@pytest.mark.parametrize(
    ("asked", "under_way"),
    [
        ("2026-07-02T12:00:00Z", 0),
        ("2026-07-28T01:59:59Z", 1),
        ("2026-07-28T02:00:00Z", 2),
        ("2026-07-30T12:00:00Z", 3),
        ("2026-09-10T12:00:00Z", 4),
        ("2026-10-01T12:00:00Z", 5),
    ],
)
def test_the_recorded_events_are_told_as_they_stand_there(shared_data: Path, asked: str, under_way: int) -> None:
    now, body = datetime.fromisoformat(asked), recorded(shared_data, RECORDED)
    found = parts(FEED, body, now)
    begun = [event for event in json.loads(body) if local(event["StartDate"]) <= now]
    told = incidents(found)
    assert len(told) == under_way
    assert list(told) == [f"ny511:{event['ID']}" for event in begun]
    assert found.count(Refused("planned")) == 5 - under_way
    for event, incident in zip(begun, told.values(), strict=True):
        assert (incident.time, incident.started_at) == (local(event["LastUpdated"]), local(event["StartDate"]))
        assert (incident.lat, incident.lon) == (event["Latitude"], event["Longitude"])
        assert (incident.road, incident.description) == (event["RoadwayName"], event["Description"])
        assert incident.status == "reported"


def test_the_recorded_events_are_of_these_kinds(shared_data: Path) -> None:
    told = incidents(parts(FEED, recorded(shared_data, RECORDED), datetime(2026, 10, 1, tzinfo=UTC)))
    assert [one.direction for one in told.values()] == [None, "E", "N", "E", None]
    assert [(one.kind, one.severity, one.area, one.lanes_blocked) for one in told.values()] == [
        ("other", "medium", "New Jersey", 1),  # truck restrictions
        ("other", "low", "New Jersey", 0),  # delays
        ("road_works", "medium", "Manhattan", None),  # a closure for road work
        ("road_works", "medium", "Brooklyn", None),
        ("event", "medium", "Queens", None),  # a concert
    ]


def test_an_event_is_an_incident() -> None:
    assert only(FEED, ny511_list(ny511_event())) == Incident(
        id="ny511:TRANSCOM-1",
        time=datetime(2026, 6, 1, 11, 45, tzinfo=UTC),
        status="reported",
        kind="collision",
        severity="medium",
        started_at=datetime(2026, 6, 1, 11, 30, tzinfo=UTC),
        description="Crash on I-278 eastbound & ramp",
        area="Brooklyn",
        road="I-278",
        lat=40.7,
        lon=-73.9,
        lanes_blocked=1,
    )


@pytest.mark.parametrize(
    ("event_type", "subtype", "kind"),
    [
        ("accidentsAndIncidents", "Overturned tractor trailer", "collision"),
        ("accidentsAndIncidents", "disabled vehicle", "breakdown"),
        ("accidentsAndIncidents", "Downed tree", "hazard"),
        ("accidentsAndIncidents", "flooding", "weather"),
        ("accidentsAndIncidents", "Police investigation", "hazard"),
        ("accidentsAndIncidents", "Emergency construction", "road_works"),
        ("closures", "roadwork", "road_works"),
        ("closures", "icy road", "weather"),
        ("closures", "", "other"),
        ("roadwork", "crash barrier repair", "road_works"),
        ("specialEvents", "Ice hockey game", "event"),
        ("somethingNew", "unheard of", "other"),
    ],
)
def test_kinds_are_told_by_type_and_by_the_words_of_the_subtype(event_type: str, subtype: str, kind: str) -> None:
    assert only(FEED, ny511_list(ny511_event(EventType=event_type, EventSubType=subtype))).kind == kind


@pytest.mark.parametrize(
    ("said", "lanes"),
    [
        ('{"LanesAffectedCount":"2","LanesTotalCount":"3","LanesDetail":"2 Right lanes","LanesStatus":"closed"}', 2),
        ('{"LanesAffectedCount":null,"LanesTotalCount":"3","LanesDetail":"All lanes","LanesStatus":"closed"}', 3),
        ('{"LanesAffectedCount":null,"LanesTotalCount":"2","LanesDetail":"All lanes","LanesStatus":"open"}', 0),
        ('{"LanesAffectedCount":"99","LanesTotalCount":null,"LanesDetail":null,"LanesStatus":"closed"}', 20),
        ('{"LanesAffectedCount":"some","LanesTotalCount":null,"LanesDetail":null,"LanesStatus":"closed"}', None),
        ('{"LanesAffectedCount":null,"LanesTotalCount":null,"LanesDetail":null,"LanesStatus":null}', None),
        ("[]", None),
        ("No Data", None),
        (None, None),
    ],
)
def test_lanes_are_read_from_the_json_in_the_json(said: object, lanes: int | None) -> None:
    assert only(FEED, ny511_list(ny511_event(LanesStatus=said))).lanes_blocked == lanes


def test_an_event_past_its_planned_end_goes_on_while_it_is_listed() -> None:
    assert only(FEED, ny511_list(ny511_event(PlannedEndDate="01/06/2026 07:50:00"))).status == "reported"


def test_without_a_readable_update_the_start_is_the_time() -> None:
    incident = only(FEED, ny511_list(ny511_event(LastUpdated="06/31/2026 07:45")))
    assert incident.time == incident.started_at == datetime(2026, 6, 1, 11, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"ID": ""}, "bad_id"),
        ({"ID": None}, "bad_id"),
        ({"ID": "x" * 200}, "invalid"),
        ({"LastUpdated": "", "StartDate": None, "Reported": "soon"}, "bad_time"),
        ({"Latitude": 140.7}, "bad_place"),
        ({"Longitude": "west"}, "bad_place"),
    ],
)
def test_an_event_that_cannot_be_used_is_rejected_with_its_bytes_and_its_neighbours_pass(
    wrong: dict[str, object], reason: str
) -> None:
    bad = json.dumps(ny511_event(**wrong)).encode()
    body = b"[" + json.dumps(ny511_event(ID="before")).encode() + b", " + bad + b", " + SMALL[1:]
    found = parts(FEED, body)
    assert found[1] == Rejected("https://feeds.example/incidents#2", bad, reason)
    assert list(incidents(found)) == ["ny511:before", "ny511:TRANSCOM-1", "ny511:TRANSCOM-2"]


@pytest.mark.parametrize("bad", [b'"text"', b"[]", b'{"ID": "\xff"}', b'{"ID": 1e999}', b"5"])
def test_an_element_that_is_no_object_is_rejected_alone(bad: bytes) -> None:
    found = parts(FEED, b"[" + bad + b"," + SMALL[1:])
    assert found[0] == Rejected("https://feeds.example/incidents#1", bad, "undecodable")
    assert len(incidents(found)) == 2


@pytest.mark.parametrize(
    "body", [b"", b"<html><body>Sign in</body></html>", b'{"Error": "Invalid Key"}', b"null", b"[" * 100_000]
)
def test_a_document_of_another_form_says_to_look_at_the_key(body: bytes) -> None:
    with pytest.raises(FeedChanged, match=r"URBANCLEAR_NY511_KEY .*\.$"):
        parts(FEED, body)


def test_a_byte_order_mark_is_no_change_of_form() -> None:
    assert len(incidents(parts(FEED, b"\xef\xbb\xbf" + SMALL))) == 2


@given(st.integers(0, len(SMALL) - 1))
def test_a_document_that_is_cut_off_is_of_no_use(length: int) -> None:
    with pytest.raises(FeedChanged):
        parts(FEED, SMALL[:length])


@given(spoilt_json(SMALL))
def test_no_spoilt_document_breaks_the_parser(body: bytes) -> None:
    assert_survives(FEED, body)


async def test_an_incident_appears_changes_and_vanishes(
    feed_server: FeedServer, polling: OpenPolling, kafka_bootstrap: str
) -> None:
    changed = ny511_event(LastUpdated="01/06/2026 07:55:00", Severity="Major")
    bodies = [[ny511_event()], [changed], [changed], []]
    feed_server.answers(*(Answer(ny511_list(*events)) for events in bodies))
    async with polling(FEED, now=NOW) as polls:
        await polls.poll(5)
    told = [(one.id, one.status, one.severity) for one in await read_all(kafka_bootstrap, Incident)]
    assert told == [
        ("ny511:TRANSCOM-1", "reported", "medium"),
        ("ny511:TRANSCOM-1", "updated", "high"),
        ("ny511:TRANSCOM-1", "cleared", "high"),
    ]


async def test_the_key_goes_to_the_server_and_nowhere_else(feed_server: FeedServer, polling: OpenPolling) -> None:
    feed_server.answers(Answer(status=500), Answer(b"<html>"), Answer(ny511_list(ny511_event(ID=""))))
    settings = Settings.model_validate({"ny511_key": "s3cret"})
    url = f"{feed_server.url}?format=json"
    with capture_logs() as logs:
        async with polling(FEED, now=NOW, url=url, settings=settings) as polls:
            await polls.poll(3)
    assert [request.target for request in feed_server.requests] == ["/feed?format=json&key=s3cret"] * 3
    assert {"feed.failing", "feed.parts_rejected"} <= {line["event"] for line in logs}
    assert "s3cret" not in str(logs) + repr(settings)
