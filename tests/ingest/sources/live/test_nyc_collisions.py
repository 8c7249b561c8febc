"""New York's collisions: the real files against pandas, and what becomes of each in Kafka and in the database."""

import gzip
import json
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sources.live.feed import Document
from ingest.sources.live.nyc_collisions import FEED, parse
from ingest.sources.outcome import Rejected
from schema.events import Incident, decode, encode
from tests.ingest.running import running_consumer
from tests.ingest.sources.live.conftest import OpenPolling
from tests.ingest.sources.live.server import Answer, FeedServer
from tests.kafka_content import read_all
from tests.waiting import fetch_one, until_query
from urbanclear.errors import FeedChanged
from urbanclear.settings import Settings

FETCHED_AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
FILES = [
    "nypd_collisions_2016-05-18.csv.gz",
    "nypd_collisions_2017-09-25_2017-10-01.csv.gz",
    "nypd_collisions_2018-01_partial.csv.gz",
]
OUT_OF_RANGE = {"3832438"}  # a longitude of -201
GOOD: dict[str, object] = {
    "crash_date": "2026-05-28T00:00:00.000",
    "crash_time": "9:05",
    "borough": "QUEENS",
    "latitude": "40.7",
    "longitude": "-73.9",
    "location": {"latitude": "40.7", "longitude": "-73.9"},
    "on_street_name": "EAST  126 STREET   ",
    "cross_street_name": "5 AVENUE",
    "number_of_persons_injured": "2",
    "number_of_persons_killed": "0",
    "contributing_factor_vehicle_1": "Unsafe Speed",
    "contributing_factor_vehicle_2": "Unspecified",
    "collision_id": "4815162",
    "vehicle_type_code1": "Sedan",
    "vehicle_type_code_3": "Bike",
}


def document(body: bytes, fetched_at: datetime = FETCHED_AT) -> Document:
    return Document("http://feed/x", "application/json", body, fetched_at)


def as_document(*rows: dict[str, object], fetched_at: datetime = FETCHED_AT) -> Document:
    return document(json.dumps(rows).encode(), fetched_at)


@pytest.mark.parametrize("file", FILES)
def test_every_collision_of_a_real_file_is_reported_and_cleared(file: str, shared_data: Path) -> None:
    path = shared_data / "nyc" / file
    frame = pd.read_csv(path, dtype=str)
    frame.columns = frame.columns.str.replace("_", " ").str.replace("CRASH ", "")
    key = "COLLISION ID" if "COLLISION ID" in frame else "UNIQUE KEY"
    injured, killed = (
        pd.to_numeric(frame[next(name for name in frame if what in str(name))]) for what in ("INJURED", "KILLED")
    )
    local = pd.to_datetime(frame["DATE"] + " " + frame["TIME"], format="%m/%d/%Y %H:%M")
    frame["at"] = local.dt.tz_localize("America/New_York").dt.tz_convert("UTC")
    hurt = zip(injured, killed, strict=True)
    frame["severity"] = ["critical" if k else "high" if i > 1 else "medium" if i else "low" for i, k in hurt]
    good = frame[~frame[key].isin(OUT_OF_RANGE)]

    parts = list(parse(document(gzip.decompress(path.read_bytes()))))
    reported = [part for part in parts if isinstance(part, Incident) and part.status == "reported"]
    cleared = {part.id: part for part in parts if isinstance(part, Incident) and part.status == "cleared"}
    assert [incident.id for incident in reported] == [f"nyc-collisions:{number}" for number in good[key]]
    assert [incident.started_at for incident in reported] == good["at"].tolist()
    assert [incident.severity for incident in reported] == good["severity"].tolist()
    assert [incident.area for incident in reported] == [
        None if pd.isna(area) else area.title() for area in good["BOROUGH"]
    ]
    assert len(cleared) == len(reported)
    waits = {incident.severity: cleared[incident.id].time - incident.time for incident in reported}
    hours = {"low": 0.5, "medium": 1, "high": 1, "critical": 2}
    assert waits == {severity: timedelta(hours=hours[severity]) for severity in waits}
    assert sum(isinstance(part, Rejected) for part in parts) == len(frame) - len(good)


def test_what_a_report_says_is_put_in_words() -> None:
    [reported, cleared] = parse(as_document(GOOD))
    assert reported == Incident(
        id="nyc-collisions:4815162",
        time=datetime(2026, 5, 28, 13, 5, tzinfo=UTC),
        started_at=datetime(2026, 5, 28, 13, 5, tzinfo=UTC),
        status="reported",
        kind="collision",
        severity="high",
        description="Collision at 5 Avenue; sedan, bike; unsafe speed; 2 injured",
        area="Queens",
        road="East 126 Street",
        lat=40.7,
        lon=-73.9,
    )
    assert isinstance(cleared, Incident)
    assert (cleared.status, cleared.time) == ("cleared", datetime(2026, 5, 28, 14, 5, tzinfo=UTC))


@pytest.mark.parametrize("date", ["2026-06-01T00:00:00.000", "9999-12-31T00:00:00.000"])
def test_a_collision_of_a_moment_ago_or_still_to_come_is_not_over(date: str) -> None:
    parts = parse(as_document({**GOOD, "crash_date": date, "crash_time": "7:59"}))
    assert [part.status for part in parts if isinstance(part, Incident)] == ["reported"]


@pytest.mark.parametrize(
    ("spoilt", "reason"),
    [
        ({"collision_id": ""}, "bad_id"),
        ({"crash_time": "25:00"}, "bad_time"),
        ({"crash_date": "9999-12-31", "crash_time": "23:59"}, "bad_time"),
        ({"crash_date": "2026-03-08T00:00:00.000", "crash_time": "2:30"}, "nonexistent_time"),
        ({"number_of_persons_injured": "some"}, "bad_number"),
        ({"latitude": "95"}, "invalid"),
    ],
)
def test_a_row_that_cannot_be_used_is_rejected_and_the_rest_passes(spoilt: dict[str, object], reason: str) -> None:
    bad = {**GOOD, **spoilt}
    first, *rest = parse(as_document(bad, GOOD))
    assert isinstance(first, Rejected)
    assert (first.reason, first.origin, json.loads(first.row)) == (reason, "http://feed/x#1", bad)
    assert len(rest) == 2


def test_a_place_that_was_not_found_is_none() -> None:
    [reported, _] = parse(as_document({**GOOD, "latitude": "0.0", "longitude": "0.0"}))
    assert isinstance(reported, Incident)
    assert (reported.lat, reported.lon) == (None, None)


def test_a_column_that_is_gone_is_a_changed_feed() -> None:
    without = {name: value for name, value in GOOD.items() if name != "crash_time"}
    with pytest.raises(FeedChanged, match="crashtime or time"):
        list(parse(as_document(without)))


NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.none() | st.text(max_size=30) | NUMBERS | st.just([1]) | st.just({"a": None})


@given(st.dictionaries(st.sampled_from(list(GOOD)), VALUES))
def test_whatever_a_row_says_is_events_that_can_travel_or_a_letter(spoilt: dict[str, object]) -> None:
    parts = list(parse(as_document(GOOD, {**GOOD, **spoilt}, spoilt)))
    events = [part for part in parts if isinstance(part, Incident)]
    assert [decode(Incident, encode(event)) for event in events] == events
    assert len(events) >= 2


async def test_collisions_reach_the_database_as_over_and_are_published_once(
    shared_data: Path, feed_server: FeedServer, polling: OpenPolling, kafka_bootstrap: str, database_url: str
) -> None:
    body = gzip.decompress((shared_data / "nyc" / FILES[0]).read_bytes())
    feed_server.answers(Answer(body, "text/csv"))
    for _ in range(2):
        async with polling(FEED) as polls:
            await polls.poll(2)
    told = await read_all(kafka_bootstrap, Incident)
    assert Counter(event.status for event in told) == {"reported": 676, "cleared": 676}
    settings = Settings.model_validate(
        {"database_url": database_url, "kafka_bootstrap": kafka_bootstrap, "ingest_group": uuid.uuid4().hex}
    )
    async with running_consumer(settings):
        await until_query(database_url, "SELECT count(*) FROM incidents WHERE cleared_at > started_at", 676)
    assert await fetch_one(database_url, "SELECT count(*) FROM incident_updates") == 2 * 676
