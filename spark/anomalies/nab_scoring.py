"""The score of the Numenta Anomaly Benchmark, standard profile, at the one threshold that suits all files best.

Lavin and Ahmad, arXiv:1510.03336, and the benchmark's `sweeper.py`. Each anomaly has a window of rows. Its earliest
detection counts 1 at the window's start and falls along a sigmoid to nearly 0 at its end; a window without one counts
−1. A detection outside costs up to 0.11, little just behind a window. The first rows of a file, at most 15 % and 750,
are for learning and do not count. 0 is what a detector gets that says nothing, 100 a perfect one.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

FALSE_ALARM = 0.11
MISSED = -1.0
LEARNING_SHARE, LEARNING_ROWS = 0.15, 750
FAR = 3  # windows behind the last one, from where a false alarm costs all of it


@dataclass(frozen=True)
class Window:
    """Rows from `first` to `last`, both within."""

    first: int
    last: int

    @property
    def rows(self) -> int:
        return self.last - self.first + 1


@dataclass(frozen=True)
class Judged:
    """The scores of one file, a row each, beside its windows in their order."""

    scores: Sequence[float]
    windows: Sequence[Window]


def best_score(files: Sequence[Judged]) -> float:
    """From 0 to 100; raises `ValueError` without a single window."""
    windows = sum(len(file.windows) for file in files)
    if windows == 0:
        raise ValueError("no windows")
    total = best = 0.0
    for _, equals in groupby(sorted(_steps(files), reverse=True), key=lambda step: step[0]):
        total += sum(gain for _, gain in equals)
        best = max(best, total)
    return 100 * best / (windows * (1 - MISSED))


def learning_rows(rows: int) -> int:
    return min(math.floor(LEARNING_SHARE * rows), LEARNING_ROWS)


def worth_within(row: int, window: Window) -> float:
    """What a window is worth whose earliest detection is at `row`."""
    return _sigmoid(-(window.last - row + 1) / window.rows) / _sigmoid(-1)


def worth_outside(row: int, before: Window | None) -> float:
    """What a detection costs that lies in no window, `before` being the last one that ended."""
    if before is None or before.rows == 1:
        return -FALSE_ALARM
    behind = (row - before.last) / (before.rows - 1)
    return FALSE_ALARM * (_sigmoid(behind) if behind <= FAR else -1)


def _sigmoid(position: float) -> float:
    return 2 / (1 + math.exp(5 * position)) - 1


def _steps(files: Iterable[Judged]) -> Iterator[tuple[float, float]]:
    """(score, what the total gains once the threshold falls to it)."""
    for file in files:
        start = learning_rows(len(file.scores))
        for window in file.windows:
            yield from _steps_within(file.scores, window, start)
        yield from _steps_outside(file, start)


def _steps_within(scores: Sequence[float], window: Window, start: int) -> Iterator[tuple[float, float]]:
    """Rows later than one of at least the same score never matter."""
    best, worth = -math.inf, MISSED
    earlier_first = []
    for row in range(max(window.first, start), window.last + 1):
        if scores[row] > best:
            best = scores[row]
            earlier_first.append(row)
    for row in reversed(earlier_first):
        gained = worth_within(row, window)
        yield scores[row], gained - worth
        worth = gained


def _steps_outside(file: Judged, start: int) -> Iterator[tuple[float, float]]:
    within = {row for window in file.windows for row in range(window.first, window.last + 1)}
    before: Window | None = None
    coming = list(file.windows)
    for row in range(start, len(file.scores)):
        while coming and coming[0].last < row:
            before = coming.pop(0)
        if row not in within:
            yield file.scores[row], worth_outside(row, before)
