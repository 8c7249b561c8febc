"""WZDx work zones: the recorded feeds against their GeoJSON, the format's own words, and spoilt documents."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sources.live.fetch import open_fetcher
from ingest.sources.live.wzdx import FEED, KINDS, NOT_FOR_TRAFFIC, OVER, PLANNED
from ingest.sources.outcome import Refused, Rejected
from schema.events import Incident
from tests.ingest.sources.live.conftest import OpenPolling
from tests.ingest.sources.live.incident_documents import (
    NOW,
    URL,
    incidents,
    only,
    parts,
    recorded,
    wzdx_feature,
    wzdx_feed,
)
from tests.ingest.sources.live.server import Answer, FeedServer
from tests.ingest.sources.live.spoiling import assert_survives, spoilt_json
from tests.kafka_content import read_all
from urbanclear.errors import ConfigurationError, FeedChanged
from urbanclear.settings import Settings

SMALL = wzdx_feed(wzdx_feature(), wzdx_feature({"event_type": "detour"}))
RECORDED = [
    "scenario1_simple_linestring",
    "scenario4_detour_linestring",
    "scenario7_mobileoperation_linestring",
]
TIMES = ["2010-01-01T12:00:00Z", "2010-01-03T12:00:00Z", "2022-09-13T15:20:00Z", "2023-01-01T00:00:00Z"]


def recorded_feed(folder: Path, name: str) -> bytes:
    return recorded(folder, f"wzdx/examples_WorkZoneFeed_{name}_example.geojson.gz")


def expected_status(properties: dict[str, Any], now: datetime) -> str | None:
    if datetime.fromisoformat(properties["start_date"]) > now:
        return None
    return "cleared" if datetime.fromisoformat(properties["end_date"]) <= now else "reported"


@pytest.mark.parametrize("name", RECORDED)
@pytest.mark.parametrize("asked", TIMES)
def test_the_recorded_work_zones_are_told_as_they_stand_there(shared_data: Path, name: str, asked: str) -> None:
    now, body = datetime.fromisoformat(asked), recorded_feed(shared_data, name)
    features = json.loads(body)["features"]
    told = incidents(parts(FEED, body, now))
    statuses = {f"wzdx:{feature['id']}": expected_status(feature["properties"], now) for feature in features}
    assert {key: incident.status for key, incident in told.items()} == {k: s for k, s in statuses.items() if s}
    assert parts(FEED, body, now).count(Refused("planned")) == sum(status is None for status in statuses.values())
    for feature in features:
        if (incident := told.get(f"wzdx:{feature['id']}")) is not None:
            check_told(incident, feature)


def check_told(incident: Incident, feature: dict[str, Any]) -> None:
    properties, line = feature["properties"], feature["geometry"]["coordinates"]
    core = properties["core_details"]
    assert incident.kind == "road_works"
    assert incident.time == datetime.fromisoformat(core["update_date"])
    assert incident.started_at == datetime.fromisoformat(properties["start_date"])
    assert incident.description == core["description"]
    assert incident.road == ", ".join(core["road_names"])
    assert [incident.lon, incident.lat] == line[(len(line) - 1) // 2][:2]
    closed = [lane for lane in properties.get("lanes", []) if lane["status"] == "closed"]
    blocked = len([lane for lane in closed if lane["type"] != "shoulder"])
    assert incident.lanes_blocked == (blocked if "lanes" in properties else None)


def test_the_words_that_decide_are_those_of_the_schema(shared_data: Path) -> None:
    with gzip.open(shared_data / "incidents/wzdx/schemas_4.2_RoadEventFeature.json.gz") as file:
        words = {name: set(told.get("enum", ())) for name, told in json.load(file)["definitions"].items()}
    assert words["EventStatus"] == {*OVER, *PLANNED, "active"}
    assert words["LaneType"] > set(NOT_FOR_TRAFFIC)
    assert words["EventType"] > set(KINDS)
    severities = {
        impact: only(FEED, wzdx_feed(wzdx_feature(vehicle_impact=impact))).severity
        for impact in words["VehicleImpact"]
    }
    assert {impact for impact, severity in severities.items() if severity == "high"} == {"all-lanes-closed"}
    assert {impact for impact, severity in severities.items() if severity == "low"} == {
        "all-lanes-open",
        "all-lanes-open-shift-left",
        "all-lanes-open-shift-right",
    }


def test_a_work_zone_is_an_incident() -> None:
    assert only(FEED, wzdx_feed(wzdx_feature())) == Incident(
        id="wzdx:wz-1",
        time=datetime(2026, 5, 31, 8, tzinfo=UTC),
        status="reported",
        kind="road_works",
        severity="medium",
        started_at=datetime(2026, 6, 1, 8, tzinfo=UTC),
        description="Paving",
        road="I-80, I-35",
        direction="N",
        lat=41.1,
        lon=-93.1,
        lanes_blocked=1,
    )


@pytest.mark.parametrize("status", ["completed", "cancelled"])
def test_a_work_zone_that_is_said_to_be_over_is_cleared_before_its_end(status: str) -> None:
    assert only(FEED, wzdx_feed(wzdx_feature(event_status=status))).status == "cleared"


@pytest.mark.parametrize("status", ["planned", "pending"])
def test_a_work_zone_that_is_said_to_be_planned_is_left_out_past_its_start(status: str) -> None:
    assert parts(FEED, wzdx_feed(wzdx_feature(event_status=status))) == [Refused("planned")]


def test_a_work_zone_that_is_said_to_be_active_goes_on_past_its_end() -> None:
    late = datetime(2026, 6, 5, tzinfo=UTC)
    assert only(FEED, wzdx_feed(wzdx_feature(event_status="active")), late).status == "reported"
    assert only(FEED, wzdx_feed(wzdx_feature()), late).status == "cleared"


def test_the_layout_of_version_3_is_read_too() -> None:
    old = wzdx_feature()
    properties = old["properties"]
    assert isinstance(properties, dict)
    core = properties.pop("core_details")
    flat = {**old, "properties": {**properties, **core, "road_event_id": old.pop("id")}}
    flat.pop("id", None)
    body = wzdx_feed(flat, feed_info=None, road_event_feed_info={"version": "3.1"})
    assert only(FEED, body) == only(FEED, wzdx_feed(wzdx_feature()))


def test_a_detour_is_mild_and_a_restriction_is_no_road_works() -> None:
    detour = only(FEED, wzdx_feed(wzdx_feature({"event_type": "detour"})))
    assert (detour.kind, detour.severity) == ("road_works", "low")
    assert only(FEED, wzdx_feed(wzdx_feature({"event_type": "restriction"}))).kind == "other"


def test_a_feature_that_cannot_be_used_is_rejected_with_its_bytes_and_its_neighbours_pass() -> None:
    device = wzdx_feature({"event_type": None, "device_type": "arrow-board"})
    timeless = wzdx_feature({"update_date": "", "creation_date": "2026-05-30T08:00:00"}, start_date=None)
    found = parts(FEED, wzdx_feed(device, wzdx_feature(), timeless))
    assert found[0] == Rejected(f"{URL}#1", json.dumps(device).encode(), "bad_kind")
    assert found[2] == Rejected(f"{URL}#3", json.dumps(timeless).encode(), "bad_time")
    assert len(incidents(found)) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html></html>",
        b"[]",
        b"{}",
        b'{"type": "FeatureCollection", "features": []}',
        wzdx_feed(type="Feature"),
        b'{"feed_info": {}, "type": "FeatureCollection", "features": {}}',
    ],
)
def test_a_document_of_another_form_is_told(body: bytes) -> None:
    with pytest.raises(FeedChanged, match=r"no WZDx work zone feed .*\.$"):
        parts(FEED, body)


async def test_without_an_address_one_is_asked_for() -> None:
    with pytest.raises(ConfigurationError, match="wzdx has no public address: say --url"):
        async with open_fetcher(FEED, Settings()):
            pass
    async with open_fetcher(FEED, Settings(), "https://dot.example/wzdx?key=1") as fetcher:
        assert httpx.URL(fetcher.shown_url).path == "/wzdx"


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
    changed = wzdx_feature({"update_date": "2026-06-01T11:58:00Z"}, vehicle_impact="all-lanes-closed")
    bodies = [[wzdx_feature()], [changed], [changed], []]
    feed_server.answers(*(Answer(wzdx_feed(*features), "application/geo+json") for features in bodies))
    async with polling(FEED, now=NOW) as polls:
        await polls.poll(5)
    told = [(one.id, one.status, one.severity) for one in await read_all(kafka_bootstrap, Incident)]
    assert told == [
        ("wzdx:wz-1", "reported", "medium"),
        ("wzdx:wz-1", "updated", "high"),
        ("wzdx:wz-1", "cleared", "high"),
    ]
