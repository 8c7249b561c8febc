"""One recording, however it is written down and packed, is one recording; what is no recording is told."""

import gzip
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.sources.replay import ReplaySource
from schema.events import Reading, encode, encode_readings
from tests.ingest.sources.replay.collecting import replayed
from urbanclear.errors import ConfigurationError, SourceError

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
READINGS = [
    Reading(sensor="city:a", time=NOON, speed_kmh=50.25, occupancy=0.25),
    Reading(sensor="city:b", time=NOON, volume_vph=1200),
    Reading(sensor="city:a", time=NOON.replace(minute=1), travel_time_s=75),
]
CSV = (
    b"sensor,time,speed_kmh,volume_vph,occupancy,travel_time_s\n"
    b"city:a,2026-03-02T12:00:00Z,50.25,,0.25,\n"
    b"city:b,2026-03-02T12:00:00Z,,1200,,\n"
    b"city:a,2026-03-02T12:01:00Z,,,,75\n"
)
A_MESSAGE_EACH = b"\n".join(map(encode, READINGS))
IN_BATCHES = encode_readings(READINGS[:2]) + b"\n\n" + encode(READINGS[2]) + b"\n"


def zipped(*members: tuple[str, bytes]) -> bytes:
    packed = BytesIO()
    with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return packed.getvalue()


def encrypted() -> bytes:
    content = bytearray(zipped(("own.csv", CSV)))
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(header) + flags] |= 1
    return bytes(content)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("own.csv", CSV),
        ("own.csv.gz", gzip.compress(CSV)),
        ("own.tsv", CSV.replace(b",", b"\t")),
        ("own.zip", zipped(("own.csv", CSV))),
        ("deep.zip", zipped(("inner.zip", zipped(("own.csv", CSV))))),
        ("misnamed.zip", zipped(("inner.zip", CSV))),
        ("mac.zip", zipped(("folder/", b""), ("folder/own.csv", CSV), ("__MACOSX/own.csv", b"x"))),
        ("escaping.zip", zipped(("../../escaped.csv", CSV))),
        ("own.ndjson", A_MESSAGE_EACH),
        ("batches.ndjson", IN_BATCHES),
        ("batches.ndjson.gz", gzip.compress(IN_BATCHES)),
    ],
)
async def test_readings_are_the_same_in_every_form(tmp_path: Path, name: str, content: bytes) -> None:
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    (folder / name).write_bytes(content)
    collected = await replayed(folder / name)
    assert collected.readings == READINGS
    assert not collected.refused
    assert [file.name for file in tmp_path.rglob("*") if file.is_file()] == [Path(name).name]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (zipped(("a.csv", CSV), ("b.csv", CSV)), "holds 2 files, not one; unpack the one to replay"),
        (zipped(), "holds 0 files"),
        (zipped(("own.csv", CSV))[:-30], "is no whole zip file"),
        (b"PK\x03\x04 and no more", "is no whole zip file"),
        (encrypted(), "is encrypted; unpack it first"),
        (zipped(("bomb.csv", bytes(50_000_000))), "would unpack to 50,000,000 bytes, which no recording does"),
        (
            zipped(("outer.zip", zipped(("bomb.csv", bytes(50_000_000))))),
            "would unpack to 50,000,000 bytes, which no recording does",
        ),
    ],
)
def test_a_zip_that_is_no_packed_recording_is_told(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "some.zip"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=sentence):
        ReplaySource(path)


async def test_a_zip_whose_content_is_damaged_gives_the_rows_before(tmp_path: Path) -> None:
    packed = BytesIO()
    with ZipFile(packed, "w") as archive:
        archive.writestr(ZipInfo("own.csv"), CSV)
    content = packed.getvalue().replace(b"city:a,2026-03-02T12:01", b"city:x,2026-03-02T12:01")
    (tmp_path / "some.zip").write_bytes(content)
    with pytest.raises(SourceError, match=r"some\.zip .*[Bb]ad CRC"):
        await replayed(tmp_path / "some.zip")


async def test_a_line_that_is_no_json_is_a_dead_letter_and_its_neighbours_pass(tmp_path: Path) -> None:
    bad = b'{"sensor":"city:a","time":"2026-03-02T12:00:00Z","speed_kmh":[1]}'
    lines = [encode(READINGS[0]), b'{"sensor":', b"7", b'["x"]', encode_readings(READINGS[1:]), bad]
    path = tmp_path / "own.ndjson"
    path.write_bytes(b"\n".join(lines))
    collected = await replayed(path)
    assert collected.readings == READINGS
    assert collected.rejected == [
        ("own.ndjson:2", b'{"sensor":', "undecodable"),
        ("own.ndjson:3", b"7", "undecodable"),
        ("own.ndjson:4", b'"x"', "undecodable"),
        ("own.ndjson:6", bad, "bad_number"),
    ]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("weather.ndjson", b'{"station":"JFK","time":"2026-03-02T12:00:00Z"}', "Its columns are 'station', 'time'"),
        ("pretty.json", b"[\n1,\n2\n]", "has no object a line"),
        ("page.html", b"<html></html>", "has no links"),
        ("broken.xml", b"<html><br></html>", "is no whole XML document"),
    ],
)
def test_json_and_xml_of_another_kind_are_told(tmp_path: Path, name: str, content: bytes, sentence: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=sentence):
        ReplaySource(tmp_path / name)


def test_a_series_whose_name_does_not_say_what_it_measures_is_refused(tmp_path: Path) -> None:
    (tmp_path / "series.csv").write_text("timestamp,value\n2015-09-01 11:30:00,13.56\n")
    with pytest.raises(ConfigurationError, match="call it speed_NUMBER"):
        ReplaySource(tmp_path / "series.csv")


async def test_a_day_whose_date_or_street_cannot_be_read_is_one_dead_letter(tmp_path: Path) -> None:
    header = "ID,Segment ID,Roadway Name,From,To,Direction,Date," + ",".join(f"{hour}:00" for hour in range(24))
    counts = ",".join(map(str, range(24)))
    rows = [f"1,7,A,B,C,NB,{date},{counts}" for date in ("09/13/2014", "13/09/2014")]
    rows.append(f"1,7 8,A,B,C,NB,09/13/2014,{counts}")
    (tmp_path / "counts.csv").write_text("\n".join([header, *rows, ""]))
    collected = await replayed(tmp_path / "counts.csv")
    assert [reading.volume_vph for reading in collected.readings] == list(range(24))
    assert collected.readings[0].time == datetime(2014, 9, 13, 4, tzinfo=UTC)
    assert [(origin, reason) for origin, _, reason in collected.rejected] == [
        ("counts.csv:3", "bad_time"),
        ("counts.csv:4", "bad_sensor"),
    ]


async def test_a_collision_that_cannot_be_used_is_a_dead_letter_that_says_why(tmp_path: Path) -> None:
    header = "COLLISION_ID,CRASH DATE,CRASH TIME,NUMBER OF PERSONS INJURED,NUMBER OF PERSONS KILLED"
    (tmp_path / "collisions.csv").write_text(f"{header}\n1,09/13/2014,soon,0,0\n2,09/13/2014,8:00,0,0\n")
    collected = await replayed(tmp_path / "collisions.csv")
    assert {incident.id for incident in collected.incidents} == {"nyc-collisions:2"}
    assert collected.details == ["'09/13/2014 soon' is no time"]


some_line = st.one_of(
    st.sampled_from([b"{}", b"[", b"[]", b"[{}]", b"null", b"[" * 9_999, b'{"a":' * 9_999]), st.binary(max_size=30)
)


@given(st.lists(some_line, max_size=20))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
async def test_every_line_of_json_ends_in_readings_refusals_or_dead_letters(
    tmp_path: Path, lines: list[bytes]
) -> None:
    path = tmp_path / "any.ndjson"
    lines = [line.replace(b"\n", b"") for line in lines]
    path.write_bytes(b"\n".join([encode(READINGS[0]), *lines]))
    collected = await replayed(path)
    assert collected.readings == READINGS[:1]
    assert collected.refused.total() >= sum(line.strip() not in (b"", b"[]") for line in lines)
