"""Open511 events: the recorded ones against their JSON, pages, schedules without an offset, and spoilt documents."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sources.live.feed import Document
from ingest.sources.live.open511 import FEED, next_page
from ingest.sources.outcome import Refused, Rejected
from schema.events import Incident
from tests.ingest.sources.live.conftest import OpenPolling
from tests.ingest.sources.live.incident_documents import (
    NOW,
    URL,
    incidents,
    only,
    open511_event,
    open511_page,
    parts,
    recorded,
)
from tests.ingest.sources.live.server import JSON, Answer, FeedServer
from tests.ingest.sources.live.spoiling import assert_survives, spoilt_json
from tests.kafka_content import read_all
from urbanclear.errors import FeedChanged

SMALL = open511_page(open511_event(), open511_event(id="city.example/E-2"), offset="0")


@pytest.mark.parametrize("name", ["tmdd-output-1", "tmdd-output-2"])
def test_the_recorded_events_are_told_as_they_stand_there(shared_data: Path, name: str) -> None:
    body = recorded(shared_data, f"open511/{name}.json.gz")
    events = json.loads(body)["events"]
    told = list(incidents(parts(FEED, body)).values())
    assert [one.id for one in told] == [f"open511:{event['id']}" for event in events]
    severities = {"MINOR": "low", "MAJOR": "high"}
    kinds = {"SPECIAL_EVENT": "event", "INCIDENT": "collision" if name == "tmdd-output-2" else "other"}
    for event, incident in zip(events, told, strict=True):
        updated = datetime.fromisoformat(event["updated"])
        start = datetime.fromisoformat(event["schedule"]["intervals"][0].split("/")[0])
        assert incident.time == updated
        assert incident.started_at == start.replace(tzinfo=updated.tzinfo), "local, with the offset of the others"
        assert [incident.lon, incident.lat] == event["geography"]["coordinates"]
        assert incident.severity == severities[event["severity"]]
        assert incident.kind == kinds[event["event_type"]]
        assert incident.road == event["roads"][0]["name"]
        assert incident.description == event.get("description", event["headline"])


def test_an_event_is_an_incident() -> None:
    assert only(FEED, open511_page(open511_event())) == Incident(
        id="open511:city.example/E-1",
        time=datetime(2026, 6, 1, 11, 45, tzinfo=UTC),
        status="reported",
        kind="collision",
        severity="medium",
        started_at=datetime(2026, 6, 1, 11, 30, tzinfo=UTC),
        description="Crash at the bridge",
        area="Cariboo District",
        road="Highway 97",
        direction="N",
        lat=53.2,
        lon=-122.5,
        lanes_blocked=1,
    )


@pytest.mark.parametrize(
    ("said", "start"),
    [
        ({"schedule": {"intervals": ["2026-06-01T11:29/2026-06-01T13:00"]}}, "11:29"),  # UTC, as British Columbia
        ({"schedule": {"intervals": ["2026-06-01T04:29/"]}}, "11:29"),  # with the offset of `created`
        ({"schedule": {"intervals": ["2026-06-01T11:29Z/"]}}, "11:29"),
        ({"schedule": {"intervals": ["2026-06-01T07:29/"]}, "timezone": "America/New_York"}, "11:29"),
        ({"schedule": {"intervals": ["2026-06-01T11:40/", "2026-06-01T11:20/"]}}, "11:20"),
        (
            {"schedule": {"recurring_schedules": [{"start_date": "2026-06-01", "daily_start_time": "11:00"}]}},
            "11:00",
        ),
        ({"schedule": {"recurring_schedules": [{"start_date": "2026-06-01"}]}}, "07:00"),
        ({"schedule": {}}, "11:30"),  # when it was created
        ({"schedule": {"intervals": ["soon/later", 5]}}, "11:30"),
        ({"schedule": {"intervals": ["2026-06-01T04:29/"]}, "created": None}, "04:29"),
    ],
)
def test_the_start_is_the_first_of_the_schedule(said: dict[str, object], start: str) -> None:
    assert f"{only(FEED, open511_page(open511_event(**said))).started_at:%H:%M}" == start


def test_what_is_still_to_come_is_planned_and_what_is_archived_is_cleared() -> None:
    planned = open511_event(schedule={"intervals": ["2026-06-02T11:30/"]})
    assert parts(FEED, open511_page(planned)) == [Refused("planned")]
    assert only(FEED, open511_page(planned), datetime(2026, 6, 2, 12, tzinfo=UTC)).status == "reported"
    assert only(FEED, open511_page(open511_event(status="ARCHIVED"))).status == "cleared"


@pytest.mark.parametrize(
    ("event_type", "subtypes", "kind"),
    [
        ("CONSTRUCTION", ["ROAD_MAINTENANCE"], "road_works"),
        ("SPECIAL_EVENT", None, "event"),
        ("WEATHER_CONDITION", [], "weather"),
        ("ROAD_CONDITION", [], "hazard"),
        ("INCIDENT", ["UNHEARD_OF", "SPILL"], "hazard"),
        ("INCIDENT", None, "other"),
    ],
)
def test_kinds_are_told_by_type_and_subtypes(event_type: str, subtypes: object, kind: str) -> None:
    event = open511_event(event_type=event_type, event_subtypes=subtypes)
    assert only(FEED, open511_page(event)).kind == kind


def test_an_event_that_cannot_be_used_is_rejected_with_its_bytes_and_its_neighbours_pass() -> None:
    bad = open511_event(geography={"type": "Point", "coordinates": [53.2, -122.5]})
    found = parts(FEED, open511_page(open511_event(), bad))
    assert found[1] == Rejected(f"{URL}#2", json.dumps(bad).encode(), "bad_place")
    assert len(incidents(found)) == 1


@pytest.mark.parametrize("body", [b"", b"<html></html>", b"[]", b"{}", b'{"events": {}}'])
def test_a_document_of_another_form_is_told_and_has_no_next_page(body: bytes) -> None:
    with pytest.raises(FeedChanged, match=r"no Open511 list of events .*\.$"):
        parts(FEED, body)
    assert next_page(Document(URL, JSON, body, NOW)) is None


@given(st.integers(0, len(SMALL) - 1))
def test_a_document_that_is_cut_off_is_of_no_use(length: int) -> None:
    with pytest.raises(FeedChanged):
        parts(FEED, SMALL[:length])


@given(spoilt_json(SMALL))
def test_no_spoilt_document_breaks_the_parser(body: bytes) -> None:
    assert_survives(FEED, body)
    next_page(Document(URL, JSON, body, NOW))


async def test_an_incident_appears_changes_and_vanishes_on_the_second_page(
    feed_server: FeedServer, polling: OpenPolling, kafka_bootstrap: str
) -> None:
    first = Answer(open511_page(open511_event(id="first"), next_url="/feed?offset=1"))
    states = [[open511_event()], [open511_event(severity="MAJOR")], [], []]
    answers = [page for events in states for page in (first, Answer(open511_page(*events, offset="1")))]
    feed_server.answers(*answers)
    async with polling(FEED, now=NOW) as polls:
        await polls.poll(4)
    assert [request.target for request in feed_server.requests] == ["/feed", "/feed?offset=1"] * 4
    told = [(one.id, one.status, one.severity) for one in await read_all(kafka_bootstrap, Incident)]
    assert told == [
        ("open511:first", "reported", "medium"),
        ("open511:city.example/E-1", "reported", "medium"),
        ("open511:city.example/E-1", "updated", "high"),
        ("open511:city.example/E-1", "cleared", "high"),
    ]
