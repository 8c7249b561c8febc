"""Folders of series: read, scored and judged, and what is told of bad ones."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from spark.anomalies.nab import nab_score, read, scores_of
from urbanclear.errors import SourceError

HEADER = "timestamp,value\n"
START = datetime(2026, 3, 2, tzinfo=UTC)
NAB = "nab"


def stamp(row: int) -> str:
    return (START + timedelta(minutes=5) * row).strftime("%Y-%m-%d %H:%M:%S")


def series(rows: int = 400, jam: int = 300) -> str:
    return HEADER + "".join(f"{stamp(row)},{10 if row == jam else 60 + row % 7}\n" for row in range(rows))


def write_windows(folder: Path, name: str, first: int, last: int) -> None:
    (folder / "windows.json").write_text(json.dumps({name: [[stamp(first) + ".000000", stamp(last) + ".000000"]]}))


def test_each_file_packed_or_not_has_a_score_for_each_row(tmp_path: Path) -> None:
    (tmp_path / "plain.csv").write_text(series())
    (tmp_path / "packed.csv.gz").write_bytes(gzip.compress(series(200).encode()))
    (tmp_path / "notes.txt").write_text("not a series")
    scores = scores_of(tmp_path)
    assert {name: len(rows) for name, rows in scores.items()} == {"plain.csv": 400, "packed.csv": 200}
    assert [row for row, score in enumerate(scores["plain.csv"]) if score >= 0.5] == [300]


def test_a_file_with_a_header_only_has_no_scores(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text(HEADER)
    assert scores_of(tmp_path) == {"empty.csv": []}


def test_a_value_may_be_missing_and_a_stamp_may_have_a_zone(tmp_path: Path) -> None:
    path = tmp_path / "gaps.csv"
    path.write_text(HEADER + "2026-03-02 00:00:00,\n2026-03-01T19:05:00-05:00,61\n")
    assert list(read(path)) == [(START, None), (START + timedelta(minutes=5), 61.0)]


@pytest.mark.parametrize("name", ["street.csv", "realTraffic/street.csv"])
def test_an_alarm_at_the_start_of_the_window_is_100(tmp_path: Path, name: str) -> None:
    (tmp_path / "street.csv").write_text(series())
    write_windows(tmp_path, name, 300, 340)
    assert nab_score(scores_of(tmp_path), tmp_path) == pytest.approx(100)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "does not begin with the line timestamp,value"),
        (b"time,speed\n", "does not begin with the line timestamp,value"),
        (HEADER.encode() + b"2026-03-02 00:00:00,fast\n", "line 2: a row is a time and a number"),
        (HEADER.encode() + b"2026-03-02 00:00:00,1\nyesterday,1\n", "line 3: a row is a time and a number"),
        (HEADER.encode() + b"2026-03-02 00:00:00\n", "line 2: a row is a time and a number"),
        (HEADER.encode() + b"2026-03-02 00:00:00,1,2\n", "line 2: a row is a time and a number"),
        (b"\xff\xfe\x00", "cannot be read: check that it is whole"),
    ],
)
def test_a_bad_file_is_told(tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "bad.csv").write_bytes(content)
    with pytest.raises(SourceError, match=f"bad.csv.*{told}"):
        scores_of(tmp_path)


@pytest.mark.parametrize("cut", [5, 60, -4])
def test_a_packed_file_that_is_not_whole_is_told(tmp_path: Path, cut: int) -> None:
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(series().encode())[:cut])
    with pytest.raises(SourceError, match="cannot be read: check that it is whole"):
        scores_of(tmp_path)


def test_a_file_that_is_not_packed_is_told(tmp_path: Path) -> None:
    (tmp_path / "plain.csv.gz").write_text(series())
    with pytest.raises(SourceError, match="cannot be read: check that it is whole"):
        scores_of(tmp_path)


def test_a_folder_without_series_is_told(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(SourceError, match=r"holds no \*\.csv"):
            scores_of(folder)


def test_the_same_file_twice_is_told(tmp_path: Path) -> None:
    (tmp_path / "street.csv").write_text(series())
    (tmp_path / "street.csv.gz").write_bytes(gzip.compress(series().encode()))
    with pytest.raises(SourceError, match=r"both as \.csv and as \.csv\.gz"):
        scores_of(tmp_path)


@pytest.mark.parametrize(
    ("windows", "told"),
    [
        (None, "windows.json cannot be read"),
        ("[]", "windows.json cannot be read"),
        ('{"street.csv": [["2026-03-02 00:00:00"]]}', "windows.json cannot be read"),
        ('{"street.csv": [["soon", "later"]]}', "windows.json cannot be read"),
        ('{"other.csv": []}', "has no windows for the files beside it"),
        ('{"street.csv": [["2020-01-01 00:00:00", "2020-01-02 00:00:00"]]}', "no row within one of its windows"),
    ],
)
def test_windows_that_do_not_fit_are_told(tmp_path: Path, windows: str | None, told: str) -> None:
    (tmp_path / "street.csv").write_text(series())
    if windows is not None:
        (tmp_path / "windows.json").write_text(windows)
    with pytest.raises(SourceError, match=told):
        nab_score(scores_of(tmp_path), tmp_path)


def test_scores_that_do_not_fit_are_told(tmp_path: Path) -> None:
    (tmp_path / "street.csv").write_text(series())
    write_windows(tmp_path, "street.csv", 300, 340)
    with pytest.raises(SourceError, match="has 400 rows, not 1"):
        nab_score({"street.csv": [0.0]}, tmp_path)
    with pytest.raises(SourceError, match="of other files"):
        nab_score({}, tmp_path)


def test_the_score_on_minnesotas_detectors_is_what_the_docs_say(shared_data: Path) -> None:
    folder = shared_data / NAB
    assert nab_score(scores_of(folder), folder) == pytest.approx(92.7, abs=0.05)
