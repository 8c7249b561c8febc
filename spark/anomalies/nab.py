"""Files of the Numenta Anomaly Benchmark: reads a folder of them, scores every row, and judges the scores.

A folder holds `*.csv` or `*.csv.gz` with the columns `timestamp,value`; to judge, also `windows.json`, the first and
last stamp of each anomaly's window by file. Stamps without a time zone are taken as UTC. Rows are taken in the order
of the file.
"""

import csv
import gzip
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from spark.anomalies.nab_scoring import Judged, Window, best_score
from spark.anomalies.stream import Detector
from urbanclear.errors import SourceError

COLUMNS = ("timestamp", "value")
WINDOWS = "windows.json"

Row = tuple[datetime, float | None]


def scores_of(folder: Path) -> dict[str, list[float]]:
    """By file name without `.gz`, a score from 0 to 1 for each row; raises `SourceError` for what cannot be read."""
    scores = {}
    for name, path in _files(folder).items():
        detector = Detector()
        scores[name] = [detector.score(time, value) for time, value in read(path)]
    return scores


def nab_score(scores: Mapping[str, Sequence[float]], folder: Path) -> float:
    """From 0 to 100, standard profile, with the one threshold that suits all files best.

    Raises `SourceError` where scores and files do not fit, or no window is known.
    """
    windows, files = _windows(folder / WINDOWS), _files(folder)
    if set(scores) != set(files):
        raise SourceError(f"The scores are of other files than those in {folder}: score that folder first.")
    judged = [_judged(path, scores[name], windows.get(name, [])) for name, path in files.items()]
    if not any(file.windows for file in judged):
        raise SourceError(f"{folder / WINDOWS} has no windows for the files beside it: check the names in it.")
    return best_score(judged)


def read(path: Path) -> Iterator[Row]:
    """The rows of one file; a value that is missing is None. Raises `SourceError`, naming the line."""
    try:
        with _open(path) as file:
            yield from _rows(path, file)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"{path} cannot be read: check that it is whole. ({error})") from error


def _open(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def _rows(path: Path, file: TextIO) -> Iterator[Row]:
    lines = csv.reader(file)
    if tuple(next(lines, ())) != COLUMNS:
        raise SourceError(f"{path} does not begin with the line timestamp,value: give files of that form.")
    for cells in lines:
        try:
            stamp, value = cells
            yield _time(stamp), float(value) if value.strip() else None
        except ValueError:
            raise SourceError(
                f"{path}, line {lines.line_num}: a row is a time and a number, as in 2015-09-01 11:25:00,58."
            ) from None


def _time(stamp: str) -> datetime:
    time = datetime.fromisoformat(stamp)
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _files(folder: Path) -> dict[str, Path]:
    paths = sorted([*folder.glob("*.csv"), *folder.glob("*.csv.gz")])
    if not paths:
        raise SourceError(f"{folder} holds no *.csv and no *.csv.gz: name the folder of the series.")
    files = {path.name.removesuffix(".gz"): path for path in paths}
    if len(files) < len(paths):
        raise SourceError(f"{folder} holds a file both as .csv and as .csv.gz: leave one of the two.")
    return files


def _windows(path: Path) -> dict[str, list[list[datetime]]]:
    """By file name; the benchmark's own file puts a folder before it."""
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
        return {
            name.rpartition("/")[2]: sorted([_time(first), _time(last)] for first, last in pairs)
            for name, pairs in content.items()
        }
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise SourceError(
            f"{path} cannot be read: it gives each file's windows as pairs of first and last stamp. ({error})"
        ) from error


def _judged(path: Path, scores: Sequence[float], windows: Sequence[Sequence[datetime]]) -> Judged:
    times = [time for time, _ in read(path)]
    if len(times) != len(scores):
        raise SourceError(f"{path} has {len(times)} rows, not {len(scores)}: score it again.")
    within = [[row for row, time in enumerate(times) if first <= time <= last] for first, last in windows]
    if not all(within):
        raise SourceError(f"{path} has no row within one of its windows: check {WINDOWS}.")
    return Judged(scores, [Window(rows[0], rows[-1]) for rows in within])
