"""New York's DOT feed in all its forms: the real documents against pandas, what may go wrong with them, and Kafka."""

import csv
import gzip
import io
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given
from hypothesis import strategies as st

from ingest.sources.live.feed import Document, Part
from ingest.sources.live.nyc_dot import FEED, parse
from ingest.sources.outcome import Refused, Rejected
from schema.events import Event, Reading, Sensor, decode, encode
from tests.ingest.sources.live.conftest import OpenPolling
from tests.ingest.sources.live.server import Answer, FeedServer
from tests.ingest.sources.replay import expected
from tests.kafka_content import read_all
from urbanclear.errors import FeedChanged
from urbanclear.settings import Settings

FETCHED_AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
HEAD = '"id"\t"Speed"\t"TravelTime"\t"Status"\t"DataAsOf"\t"linkId"\t"linkName"\n'
COLUMNS = ["sensor", "time", "speed_kmh", "travel_time_s"]
XML = "nyc/dot_trafficspeed_php_2012-01-07.xml.gz"


def document(body: bytes, fetched_at: datetime = FETCHED_AT) -> Document:
    return Document("http://feed/x", "text/plain", body, fetched_at)


def snapshot(*rows: tuple[str, str, str, str]) -> bytes:
    """A TSV of status, time, link and speed."""
    lines = [f'"1"\t"{mph}"\t"60"\t"{status}"\t"{stamp}"\t"{link}"\t"BQE N"' for status, stamp, link, mph in rows]
    return (HEAD + "\n".join(lines)).encode()


def readings(parts: list[Part]) -> list[Reading]:
    return [part for part in parts if isinstance(part, Reading)]


def unzipped(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes())


def as_json(body: bytes) -> bytes:
    """A CSV of the API as it would have answered in JSON, where empty fields are left out."""
    rows = csv.DictReader(io.StringIO(body.decode()))
    return json.dumps([{name: value for name, value in row.items() if value} for row in rows]).encode()


@pytest.mark.parametrize("form", ["2019 api", "2019 api as JSON", "2021 tsv"])
def test_every_good_observation_of_a_real_document_is_a_reading(form: str, shared_data: Path) -> None:
    path = shared_data / expected.NYC[form.removesuffix(" as JSON")]
    body = unzipped(path)
    parts = list(parse(document(as_json(body) if "JSON" in form else body)))
    frame, refused = expected.nyc(path)
    found = sorted(
        (reading.sensor, reading.time, reading.speed_kmh, reading.travel_time_s) for reading in readings(parts)
    )
    assert found == sorted(frame[COLUMNS].itertuples(index=False, name=None))
    assert Counter(part.reason for part in parts if isinstance(part, Refused)) == refused
    assert not any(isinstance(part, Rejected) for part in parts)
    links = {part.external_id: part for part in parts if isinstance(part, Sensor)}
    assert {reading.sensor for reading in readings(parts)} <= links.keys()
    assert all(link.geometry is not None and link.road and link.area for link in links.values())


def test_the_xml_of_2012_gives_every_link_under_its_number_of_today(shared_data: Path) -> None:
    body = unzipped(shared_data / XML)
    elements = [element.attrib for element in fromstring(body)]
    parts = list(parse(document(body)))
    assert [(reading.sensor, reading.speed_kmh, reading.travel_time_s) for reading in readings(parts)] == [
        (f"nyc-dot:{said['Transcom_id']}", float(said["Speed"]) * 1.609344, float(said["TravelTime"]))
        for said in elements
    ]
    assert {reading.time for reading in readings(parts)} == {
        datetime.strptime(said["DataAsOf"] + " -0500", "%m/%d/%Y %H:%M:%S %z") for said in elements
    }
    assert sum(isinstance(part, Sensor) for part in parts) == len(elements) == 152


@pytest.mark.parametrize(
    ("fetched_at", "stamp", "meant"),
    [
        ("2026-11-01T05:31Z", "11/1/2026 01:30:00", "2026-11-01T05:30Z"),
        ("2026-11-01T06:31Z", "11/1/2026 01:30:00", "2026-11-01T06:30Z"),
        ("2026-11-01T06:02Z", "11/1/2026 01:59:00", "2026-11-01T05:59Z"),
        ("2026-11-01T07:05Z", "11/1/2026 01:59:00", "2026-11-01T06:59Z"),
    ],
)
def test_in_the_hour_that_comes_twice_a_snapshot_is_read_by_the_clock(
    fetched_at: str, stamp: str, meant: str
) -> None:
    body = snapshot(("0", stamp, "1", "30"))
    [reading] = readings(list(parse(document(body, datetime.fromisoformat(fetched_at)))))
    assert reading.time == datetime.fromisoformat(meant)


def test_in_the_hour_that_comes_twice_several_rows_of_a_link_give_no_reading_of_another_hour() -> None:
    rows = (("0", f"11/1/2026 01:{minute:02}:00", "1", "30") for minute in (59, 54, 4, 3))
    parts = list(parse(document(snapshot(*rows), datetime.fromisoformat("2026-11-01T06:05Z"))))
    assert {reading.time.hour for reading in readings(parts)} == {5}


def test_rows_without_data_are_refused_and_rows_that_cannot_be_used_rejected() -> None:
    body = snapshot(
        ("-101", "6/1/2026 08:00:00", "1", "0"),
        ("0", "1/1/1978 00:00:00", "2", "30"),
        ("0", "6/1/2026 08:00:00", "3", "fast"),
        ("0", "soon", "4", "30"),
        ("0", "6/1/2026 08:00:00", "5", "30"),
    )
    parts = list(parse(document(body + b'\n"6"\t"cut off')))
    assert [part.reason for part in parts if isinstance(part, Refused)] == ["no_data", "no_data"]
    reasons = [(part.reason, part.origin) for part in parts if isinstance(part, Rejected)]
    assert reasons == [
        ("wrong_column_count", "http://feed/x:6"),
        ("bad_number", "http://feed/x:3"),
        ("bad_time", "http://feed/x:4"),
    ]
    assert [reading.sensor for reading in readings(parts)] == ["nyc-dot:5"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n\n",
        b"<html><body>Maintenance</body></html>",
        b"<html><body>Maintenance",
        b'{"error": true, "message": "no"}',
        b'["a"]',
        b"[",
        b'[{"a": ' + b"[" * 100_000,
        HEAD.replace("Speed", "Velocity").encode(),
        b'[{"speed": "1", "status": "0"}]',
        b"\x1f\x8b\x00\xff\xfe",
        b'<!DOCTYPE x [<!ENTITY a "b">]><x><Speed Speed="&a;"/></x>',
    ],
)
def test_a_document_of_another_form_is_a_changed_feed(body: bytes) -> None:
    with pytest.raises(FeedChanged, match="http://feed/x"):
        list(parse(document(body)))


def test_an_answer_without_rows_is_no_news() -> None:
    assert list(parse(document(b"[]"))) == list(parse(document(HEAD.encode()))) == []


VALUES = st.none() | st.text(max_size=20) | st.integers() | st.floats() | st.lists(st.none()) | st.just({"a": 1})
FIELDS = ["speed", "travel_time", "status", "data_as_of", "link_id", "link_name", "encoded_poly_line", "link_points"]
GOOD_FIELDS = ["30", "60", "0", "2026-06-01T08:00:00.000", "4616337", "BQE N", "}btwFx|ubMsD_AgJcA", "40.7,-74.0"]


@given(st.lists(st.dictionaries(st.sampled_from(FIELDS), VALUES), max_size=4), st.integers(min_value=0))
def test_whatever_comes_is_events_that_can_travel_or_a_changed_feed(
    spoilt: list[dict[str, object]], length: int
) -> None:
    good = dict(zip(FIELDS, GOOD_FIELDS, strict=True))
    as_objects = json.dumps([good, *({**good, **row} for row in spoilt), *spoilt]).encode()
    text = io.StringIO()
    writer = csv.DictWriter(text, FIELDS)
    writer.writeheader()
    writer.writerows([good, *spoilt])
    for whole in (as_objects, text.getvalue().encode("utf-8", "surrogatepass")):
        for body in (whole, whole[: length % (len(whole) + 1)]):
            try:
                parts = list(parse(document(body)))
            except FeedChanged:
                continue
            events = [part for part in parts if isinstance(part, Event)]
            assert [decode(type(event), encode(event)) for event in events] == events


async def test_a_real_feed_is_published_once_however_often_it_is_asked(
    shared_data: Path, feed_server: FeedServer, polling: OpenPolling, kafka_bootstrap: str
) -> None:
    body = unzipped(shared_data / expected.NYC["2021 tsv"])
    feed_server.answers(Answer(body, "text/tab-separated-values"))
    settings = Settings.model_validate({"socrata_app_token": "a token"})
    async with polling(FEED, settings=settings) as polls:
        await polls.poll(2)
    later = body.replace(b"6/14/2021 15:54:11", b"6/14/2021 15:55:11")
    feed_server.answers(Answer(later, "text/plain"))
    async with polling(FEED) as polls:
        await polls.poll(2)
    moved = body.count(b'"0"\t"6/14/2021 15:54:11"')
    found = await read_all(kafka_bootstrap, Reading)
    assert len(found) == len({(reading.sensor, reading.time) for reading in found}) == 105 + moved
    assert len(await read_all(kafka_bootstrap, Sensor)) == 153
    assert [request.headers.get("x-app-token") for request in feed_server.requests] == ["a token"] * 2 + [None] * 2
