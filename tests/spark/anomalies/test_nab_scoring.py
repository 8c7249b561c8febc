"""The benchmark's score in cases that can be worked out by hand."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark.anomalies.nab_scoring import Judged, Window, best_score, learning_rows, worth_outside, worth_within

WINDOW = Window(500, 599)
ROWS = 1000


def sigmoid(position: float) -> float:
    return 2 / (1 + math.exp(5 * position)) - 1


def detected(*rows: int, windows: tuple[Window, ...] = (WINDOW,)) -> Judged:
    return Judged([float(row in rows) for row in range(ROWS)], windows)


def test_the_start_of_each_window_and_nothing_else_is_100() -> None:
    assert best_score([detected(500), detected(200, windows=(Window(200, 260),))]) == pytest.approx(100)


def test_silence_is_0() -> None:
    assert best_score([detected()]) == 0


def test_one_of_two_windows_is_half_the_score() -> None:
    assert best_score([detected(500), detected()]) == pytest.approx(50)


def test_the_earliest_detection_in_a_window_counts_and_further_ones_cost_nothing() -> None:
    half = 100 * (1 + sigmoid(-0.5) / sigmoid(-1)) / 2
    assert best_score([detected(550)]) == pytest.approx(half) == pytest.approx(92.98, abs=0.01)
    assert best_score([detected(550, 560, 599)]) == pytest.approx(half)


def test_false_alarms_cost_by_their_distance_behind_a_window() -> None:
    assert best_score([detected(500, 300)]) == pytest.approx(100 * (2 - 0.11) / 2)
    assert worth_outside(600, WINDOW) == pytest.approx(0.11 * sigmoid(1 / 99))
    assert worth_outside(599 + 297, WINDOW) == pytest.approx(0.11 * sigmoid(3))
    assert worth_outside(599 + 298, WINDOW) == worth_outside(300, None) == -0.11
    assert worth_outside(10, Window(5, 5)) == -0.11


def test_the_first_rows_are_for_learning() -> None:
    assert learning_rows(1000) == 150
    assert learning_rows(10_000) == 750
    assert best_score([detected(*range(150), 500)]) == pytest.approx(100)
    assert best_score([detected(500, 150)]) < 100


def test_one_threshold_serves_all_files() -> None:
    quiet = Judged([0.1 * (row == 500) for row in range(ROWS)], (WINDOW,))
    loud = Judged([0.2 * (row % 10 == 1) for row in range(ROWS)], (WINDOW,))
    assert best_score([quiet]) == pytest.approx(100)
    assert best_score([quiet, loud]) == 0 or best_score([quiet, loud]) < 50


def test_rows_of_the_same_score_are_detected_together() -> None:
    assert best_score([Judged([1.0] * ROWS, (WINDOW,))]) == 0


def test_a_series_without_windows_only_costs() -> None:
    assert best_score([detected(500), detected(700, windows=())]) == pytest.approx(100 * (2 - 0.11) / 2)


def test_no_window_at_all_is_an_error() -> None:
    with pytest.raises(ValueError, match="no windows"):
        best_score([detected(windows=())])


def by_brute_force(file: Judged) -> float:
    """The benchmark's rules, threshold by threshold."""
    best = 0.0
    for threshold in set(file.scores):
        rows = [row for row in range(learning_rows(ROWS), ROWS) if file.scores[row] >= threshold]
        total = float(len(file.windows))
        for window in file.windows:
            total += max((worth_within(r, window) for r in rows if window.first <= r <= window.last), default=-1)
        for row in rows:
            if not any(window.first <= row <= window.last for window in file.windows):
                total += worth_outside(row, next((w for w in reversed(file.windows) if w.last < row), None))
        best = max(best, total)
    return 100 * best / (2 * len(file.windows))


@given(
    st.dictionaries(st.integers(0, ROWS - 1), st.integers(1, 9), max_size=40),
    st.lists(st.integers(0, ROWS), min_size=2, max_size=6, unique=True),
)
def test_the_sweep_finds_what_trying_each_threshold_finds(heights: dict[int, int], edges: list[int]) -> None:
    spans = list(pairwise(sorted(edges)))[::2]
    file = Judged(
        [heights.get(row, 0) / 10 for row in range(ROWS)], [Window(first, last - 1) for first, last in spans]
    )
    assert best_score([file]) == pytest.approx(by_brute_force(file))
