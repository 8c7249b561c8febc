"""Small files with everything in them that real ones have shown or could: nothing is lost without a word."""

import asyncio
import gzip
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.sources.replay import formats
from schema.events import Reading
from schema.units import KMH_PER_MPH
from tests.ingest.sources.replay.collecting import replayed
from urbanclear.errors import ConfigurationError

NYC_HEADER = "ID,SPEED,TRAVEL_TIME,STATUS,DATA_AS_OF,LINK_ID\n"
READINGS_HEADER = "sensor,time,speed_kmh,volume_vph,occupancy,travel_time_s\n"


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


async def test_a_row_that_cannot_be_used_is_a_dead_letter_and_its_neighbours_pass(tmp_path: Path) -> None:
    bad = {
        "2,fast,10,0,2017-09-04T00:05:00,11": "bad_number",
        "2,inf,10,0,2017-09-04T00:05:00,11": "bad_number",
        "2,10,10,0,soon,11": "bad_time",
        "2,10,10,0,2017-03-12T02:30:00,11": "nonexistent_time",
        "2,10,10,,2017-09-04T00:05:00,11": "bad_status",
        "2,10,10,good,2017-09-04T00:05:00,11": "bad_number",
        "2,10,10,0,2017-09-04T00:05:00,": "bad_sensor",
        "2,10,10,0,2017-09-04T00:05:00,a b": "bad_sensor",
        "2,-1,10,0,2017-09-04T00:05:00,11": "invalid",
        "2,10,-66,0,2017-09-04T00:05:00,11": "invalid",
        '2,10,10,0,"2017-09-04T00:05:00,11': "wrong_column_count",
        "2,10,10,0": "wrong_column_count",
    }
    good = "1,10,10,0,2017-09-04T00:0{},7\n"
    rows = good.format(1) + "".join(f"{row}\n\n" for row in bad) + good.format(2)
    collected = await replayed(write(tmp_path / "feed.csv", NYC_HEADER + rows))
    assert [reading.time.minute for reading in collected.readings] == [1, 2]
    assert [(row.decode(), reason) for _, row, reason in collected.rejected] == sorted(
        bad.items(), key=lambda item: (item[1] != "wrong_column_count", list(bad).index(item[0]))
    )
    assert {origin for origin, *_ in collected.rejected} == {f"feed.csv:{3 + 2 * n}" for n in range(len(bad))}
    assert set(collected.sensors) == {"nyc-dot:7", "nyc-dot:11"}


async def test_what_is_wrong_with_a_row_is_said_of_its_dead_letter(tmp_path: Path) -> None:
    rows = {
        b"city:a,2026-03-02T12:00:00Z,fast": "'fast' is no number",
        b"City A,2026-03-02T12:00:00Z,50": (
            "'City A' is no sensor's id: it must be SOURCE:NAME, such as city:a7, with SOURCE in small letters, "
            "digits and hyphens, and NAME of 1 to 120 characters without a space"
        ),
        b"city:a,2026-03-02T12:00:00,50": "2026-03-02T12:00:00 has no offset from UTC",
        b"city:a,2026-03-02T12:00:00Z,-1": "Expected `float` >= 0.0 - at `$.speed_kmh`",
        b"city:a,2026-03-02T12:00:00Z": "the row has 2 columns, the file has 3",
        "city:m\xfcnchen,2026-03-02T12:00:00Z,50".encode("latin-1"): "the row is not UTF-8: save the file as UTF-8",
    }
    good = [f"city:münchen,2026-03-02T12:0{minute}:00Z,50".encode() for minute in range(2)]
    path = tmp_path / "own.csv"
    path.write_bytes(b"\n".join([b"\xef\xbb\xbfsensor,time,speed_kmh", good[0], *rows, good[1], b""]))
    collected = await replayed(path)
    assert [reading.sensor for reading in collected.readings] == ["city:münchen"] * 2
    assert {row: detail for (_, row, _), detail in zip(collected.rejected, collected.details, strict=True)} == rows
    assert collected.refused["undecodable"] == 1


async def test_a_status_of_no_data_and_a_clock_that_was_never_set_are_no_data(tmp_path: Path) -> None:
    rows = (
        "1,0,0,-101,2017-09-04T00:01,7\n"
        "1,36,9,-101,never,7\n"
        "1,36,9,0,1/1/1978 00:00:00,7\n"
        "1,36,9,0,9/4/2017 00:02:00,7\n"
    )
    collected = await replayed(write(tmp_path / "feed.csv", NYC_HEADER + rows))
    assert dict(collected.refused) == {"no_data": 3}
    assert collected.readings == [
        Reading(
            sensor="nyc-dot:7",
            time=datetime(2017, 9, 4, 4, 2, tzinfo=UTC),
            speed_kmh=36 * KMH_PER_MPH,
            travel_time_s=9,
        )
    ]


async def test_the_night_the_clocks_go_back_is_replayed_in_the_order_it_happened(tmp_path: Path) -> None:
    stamps = ["00:50", "01:20", "01:50", "01:20", "01:50", "02:20"]
    ascending = [f"1,{10 + n},9,0,2017-11-05T{stamp}:00,7\n" for n, stamp in enumerate(stamps)]
    for name, rows in (("ascending.csv", ascending), ("descending.csv", ascending[::-1])):
        collected = await replayed(write(tmp_path / name, NYC_HEADER + "".join(rows)))
        assert [f"{reading.time:%H:%M}" for reading in collected.readings] == [
            "04:50", "05:20", "05:50", "06:20", "06:50", "07:20",
        ]  # fmt: skip
        assert [reading.travel_time_s for reading in collected.readings] == [9.0] * 6
        speeds = [reading.speed_kmh for reading in collected.readings]
        assert speeds == sorted(speeds, key=lambda speed: speed or 0)


async def test_a_wide_row_at_a_time_that_never_was_is_refused_unless_it_is_empty(tmp_path: Path) -> None:
    rows = "2012-03-11 01:55:00,60,61\n2012-03-11 02:00:00,0,0\n2012-03-11 02:05:00,0,62\n2012-03-11 03:00:00,NaN,x\n"
    collected = await replayed(write(tmp_path / "loops.csv", "timestamp,773869,767541\n" + rows))
    assert [(reading.sensor, f"{reading.time:%H:%M}") for reading in collected.readings] == [
        ("metr-la:773869", "09:55"),
        ("metr-la:767541", "09:55"),
    ]
    assert [(origin, reason) for origin, _, reason in collected.rejected] == [
        ("loops.csv:4", "nonexistent_time"),
        ("loops.csv:5:767541", "bad_number"),
    ]
    assert collected.refused["missing"] == 3


async def test_stations_are_called_by_the_files_first_line_where_it_has_their_numbers(tmp_path: Path) -> None:
    collected = await replayed(write(tmp_path / "V_2.csv", "716939,717001\n" + "60.5,61\n" * 289))
    assert {reading.sensor for reading in collected.readings} == {"pems:716939", "pems:717001"}
    assert collected.readings[0].time == datetime(2012, 5, 1, 7, tzinfo=UTC)
    assert collected.readings[-1].time == datetime(2012, 5, 2, 7, tzinfo=UTC)


def test_rows_without_times_are_on_weekdays_only() -> None:
    steps = formats.PEMS.steps
    assert steps is not None
    assert [steps.at(288 * day).strftime("%a %d %H:%M") for day in (0, 3, 4, 43)] == [
        "Tue 01 00:00", "Fri 04 00:00", "Mon 07 00:00", "Fri 29 00:00",
    ]  # fmt: skip
    assert steps.at(287) == datetime(2012, 5, 1, 23, 55)


async def test_our_own_form_is_read_from_csv_and_parquet_alike(tmp_path: Path) -> None:
    rows = (
        "city:a,2026-03-02T12:00:00+01:00,50.25,,0.25,\n"
        "city:b,2026-03-02T11:00:30Z,,1200,,75\n"
        "city:b,2026-03-02T11:01:00Z,,,,\n"
        "city:b,2026-03-02T11:01:00,,1200,,75\n"
        "city:b,2026-03-02T11:02:00Z,,,25,\n"
    )
    path = write(tmp_path / "own.csv", READINGS_HEADER + rows)
    pd.read_csv(path).to_parquet(tmp_path / "own.parquet", index=False)
    for name in ("own.csv", "own.parquet"):
        collected = await replayed(tmp_path / name)
        assert collected.readings == [
            Reading(sensor="city:a", time=datetime(2026, 3, 2, 11, tzinfo=UTC), speed_kmh=50.25, occupancy=0.25),
            Reading(
                sensor="city:b", time=datetime(2026, 3, 2, 11, 0, 30, tzinfo=UTC), volume_vph=1200, travel_time_s=75
            ),
        ]
        assert dict(collected.refused) == {"missing": 1, "naive_time": 1, "invalid": 1}
        assert all(b"city:b" in row for _, row, _ in collected.rejected)
        assert set(collected.sensors) == {"city:a", "city:b"}


async def test_parquet_stamps_that_are_times_already_keep_their_instant(tmp_path: Path) -> None:
    times = pd.to_datetime(["2026-03-02T12:00:00.25+01:00"]).tz_convert("Asia/Tokyo")
    frame = pd.DataFrame({"sensor": ["city:a"], "time": times, "speed_kmh": pd.array([50.5], dtype="float32")})
    frame.to_parquet(tmp_path / "own.parquet", index=False)
    collected = await replayed(tmp_path / "own.parquet")
    assert collected.readings == [
        Reading(sensor="city:a", time=datetime(2026, 3, 2, 11, 0, 0, 250_000, tzinfo=UTC), speed_kmh=50.5)
    ]


async def test_only_the_time_asked_for_is_replayed_from_a_start_to_before_an_end(tmp_path: Path) -> None:
    minutes = [f"2017-09-04T{n // 60:02}:{n % 60:02}:00" for n in range(20 * 60)]
    rows = "".join(f"1,10,9,{-101 * (n % 2)},{minute},7\n" for n, minute in enumerate(minutes))
    path = write(tmp_path / "feed.csv", NYC_HEADER + rows)
    bounds = {"start": datetime(2017, 9, 4, 4, 10, tzinfo=UTC), "end": datetime(2017, 9, 4, 4, 20, tzinfo=UTC)}
    told: list[tuple[int, int]] = []
    collected = await replayed(path, **bounds, progress=lambda done, total: told.append((done, total)))
    assert [reading.time.minute for reading in collected.readings] == [10, 12, 14, 16, 18]
    assert dict(collected.refused) == {"no_data": 5}
    assert told[-1] == (5, 5)
    assert collected.sensors["nyc-dot:7"].free_flow_speed_kmh == pytest.approx(16.09), "from the whole file"
    with pytest.raises(ConfigurationError, match="it covers 2017-09-04 04:00"):
        await replayed(path, start=datetime(2018, 1, 1, tzinfo=UTC))


async def test_duplicates_are_published_as_often_as_they_stand_in_the_file(tmp_path: Path) -> None:
    row = "1,10,9,0,2017-09-04T00:00:00,7\n"
    collected = await replayed(write(tmp_path / "feed.csv", NYC_HEADER + row * 3))
    assert len(collected.readings) == 3


cell = st.one_of(
    st.sampled_from(
        ["", "0", "-101", "7", "36.5", "nan", "1e400", '"', '""', "2017-09-04T00:05:00", "1/1/1978 00:00:00"]
    ),
    st.text(st.characters(exclude_characters="\n\r\0", exclude_categories=["Cs"]), max_size=8),
)


@given(st.lists(st.lists(cell, min_size=5, max_size=7), min_size=1, max_size=30))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
def test_every_line_of_any_file_ends_in_exactly_one_of_readings_refusals_and_dead_letters(
    tmp_path: Path, rows: list[list[str]]
) -> None:
    lines = [",".join(row) for row in rows]
    path = tmp_path / "any.csv.gz"
    path.write_bytes(gzip.compress((NYC_HEADER + "\n".join(lines) + "\n").encode()))
    with asyncio.Runner() as runner:
        collected = runner.run(replayed(path))
    assert len(collected.readings) + collected.refused.total() == len(lines)
    assert all(lines[int(origin.rsplit(":")[1]) - 2].encode() == row for origin, row, _ in collected.rejected)
