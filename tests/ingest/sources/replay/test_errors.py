"""Input that cannot be read is told in one sentence, before anything is published where that can be known."""

import asyncio
import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
import structlog

from ingest.sources.replay import ReplaySource
from schema.publisher import Publisher
from tests.ingest.sources.replay.collecting import Collected
from urbanclear.errors import ConfigurationError, SourceError, UrbanclearError

GOOD = b"ID,SPEED,TRAVEL_TIME,STATUS,DATA_AS_OF,LINK_ID\n" + b"".join(
    b"1,%d,9,0,2017-09-04T%02d:%02d:00,7\n" % (10 + n % 50, n // 60 % 24, n % 60) for n in range(1_440)
)

OWN = "sensor,time,speed_kmh\ncity:a,2026-03-02T12:00:00Z,50\n"
SEMICOLONS = "has semicolons between its columns: columns must be separated by commas and decimals by a point"
A_SUNDAY = datetime(2026, 3, 1, 12, tzinfo=UTC)  # then the recording, of a Monday, is over also when moved


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("none.csv", None, "none.csv cannot be read: No such file"),
        ("empty.csv", b"", "empty.csv is empty"),
        ("empty.csv.gz", gzip.compress(b""), "empty.csv.gz is empty"),
        ("blank.csv", b"\n\n", "blank.csv is empty"),
        ("plain.csv.gz", GOOD, "is named .gz but is no gzip file"),
        ("plain.parquet", GOOD, "is named .parquet but is no Parquet file"),
        ("broken.parquet", b"PAR1 and no more", "cannot be read as Parquet"),
        ("cut.csv.gz", gzip.compress(GOOD)[:14], "cut.csv.gz is damaged"),
        ("other.csv", b"a,b\n1,2\n", "in no known format. Its columns are 'a', 'b'. The formats are nyc-dot: SPEED"),
        ("semicolons.csv", b"sensor;time;speed_kmh\ncity:a;2026-03-02T12:00:00Z;50,5\n", SEMICOLONS),
        ("decimals.csv", b"60,5;61,2\n", SEMICOLONS),
        (
            "no_measure.csv",
            b"sensor,time,speed\ncity:a,2026-03-02T12:00:00Z,50\n",
            "no_measure.csv has no measure: name at least one of its columns speed_kmh, volume_vph, occupancy, "
            "travel_time_s. Its columns are 'sensor', 'time', 'speed'.",
        ),
        ("utf16.csv", OWN.encode("utf-16"), "utf16.csv is not UTF-8: save it as UTF-8."),
        ("utf16.csv", OWN.encode("utf-16-be"), "utf16.csv is not UTF-8: save it as UTF-8."),
        ("latin1.csv", "sensor,time,speed_kmh,stra\xdfe\n".encode("latin-1"), "latin1.csv is not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_at_once(
    tmp_path: Path, name: str, content: bytes | None, sentence: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError) as raised:
        ReplaySource(tmp_path / name)
    assert sentence in str(raised.value)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"format": "metr-la"}, "is not in the format metr-la"),
        ({"format": "nycdot"}, "There is no format 'nycdot'; the formats are nyc-dot, metr-la, pems, nab, "),
        ({"start": datetime(2017, 9, 4)}, "The start 2017-09-04T00:00:00 has no offset"),
        (
            {"start": datetime(2017, 9, 4, tzinfo=UTC), "end": datetime(2017, 9, 4, tzinfo=UTC)},
            "is not before the end",
        ),
        ({"sensors": Path("nowhere.csv")}, "nowhere.csv cannot be read"),
    ],
)
def test_an_argument_that_does_not_fit_is_told_at_once(
    tmp_path: Path, options: dict[str, object], sentence: str
) -> None:
    path = tmp_path / "feed.csv"
    path.write_bytes(GOOD)
    with pytest.raises(UrbanclearError) as raised:
        ReplaySource(path, **options)  # type: ignore[arg-type]
    assert sentence in str(raised.value)


def test_semicolons_are_told_of_also_where_the_format_is_named(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text(OWN.replace(",", ";"))
    with pytest.raises(SourceError, match=SEMICOLONS):
        ReplaySource(tmp_path / "own.csv", format="readings")


def test_a_file_of_sensors_with_a_row_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "feed.csv").write_bytes(GOOD)
    (tmp_path / "links.csv").write_bytes(b"link_id,link_name\n7,Stra\xdfe\n")
    with pytest.raises(SourceError, match=r"links.csv, line 2: the row is not UTF-8: save the file as UTF-8\."):
        ReplaySource(tmp_path / "feed.csv", sensors=tmp_path / "links.csv")


def test_a_file_of_sensors_without_sensors_is_refused(tmp_path: Path) -> None:
    (tmp_path / "feed.csv").write_bytes(GOOD)
    (tmp_path / "links.csv").write_text("a,b\n1,2\n")
    with pytest.raises(SourceError, match="is no file of sensors"):
        ReplaySource(tmp_path / "feed.csv", sensors=tmp_path / "links.csv")


def test_a_format_without_descriptions_takes_no_file_of_sensors(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("sensor,time,speed_kmh\ncity:a,2026-03-02T12:00:00Z,50\n")
    with pytest.raises(ConfigurationError, match="takes no file of sensors"):
        ReplaySource(tmp_path / "own.csv", sensors=tmp_path / "own.csv")


async def test_a_file_of_column_names_only_is_told(tmp_path: Path) -> None:
    (tmp_path / "feed.csv").write_bytes(GOOD.split(b"\n")[0] + b"\n")
    with pytest.raises(SourceError, match="has no rows"):
        await ReplaySource(tmp_path / "feed.csv").run(cast(Publisher, Collected()), asyncio.Event())


@pytest.mark.parametrize("newest_first", [False, True])
async def test_the_rows_before_a_break_are_published_and_the_break_is_told(
    tmp_path: Path, newest_first: bool
) -> None:
    header, *rows = GOOD.splitlines(keepends=True)
    content = header + b"".join(rows[::-1] if newest_first else rows)
    path = tmp_path / "feed.csv.gz"
    path.write_bytes(gzip.compress(content)[:-1_000])
    collected = Collected()
    with pytest.raises(SourceError, match=r"feed.csv.gz is damaged after line \d+: .*fetch the file again"):
        await ReplaySource(path, speed=None).run(cast(Publisher, collected), asyncio.Event())
    whole = len(collected.readings)
    assert 0 < whole < 1_440
    [(origin, row, reason)] = collected.rejected
    assert (origin, reason) == (f"feed.csv.gz:{whole + 2}", "truncated")
    assert content.splitlines()[whole + 1].startswith(row)


@pytest.mark.parametrize(("moved", "told"), [(False, 1), (True, 0)])
async def test_a_recording_that_is_older_than_readings_are_kept_is_told_of_before_it_is_published(
    tmp_path: Path, moved: bool, told: int
) -> None:
    (tmp_path / "old.csv").write_bytes(GOOD)
    source = ReplaySource(
        tmp_path / "old.csv",
        speed=None,
        kept_from=A_SUNDAY - timedelta(days=30),
        shift_to_now=moved,
        align="week" if moved else None,
        clock=lambda: A_SUNDAY,
    )
    with structlog.testing.capture_logs() as logs:
        await source.run(cast(Publisher, Collected()), asyncio.Event())
    assert [entry["event"] for entry in logs].count("replay.older_than_kept") == told
