"""Figures and names as people read them."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.days import Days
from spark.insights.insight import Insight
from spark.report.wording import NAME_LENGTH, change, figure, named, period


@given(st.text())
def test_a_name_is_one_short_line_of_what_can_be_printed(text: str) -> None:
    line = named(text)
    assert len(line) <= NAME_LENGTH
    assert line.isprintable()
    assert line == named(line)


def test_a_long_name_keeps_its_end_which_says_which_way() -> None:
    assert named("Pulaski Skyway Approach S", 20) == "Pulaski Skywa…oach S"


@given(st.text(st.characters(categories=["L", "N"]), max_size=NAME_LENGTH))
def test_a_short_name_of_any_script_stays_as_it_is(text: str) -> None:
    assert named(text) == text


@pytest.mark.parametrize(
    ("value", "unit", "written"),
    [
        (1234.4, "vehicle hours", "1,234 veh h"),
        (7.25, "vehicle hours", "7.2 veh h"),
        (12.0, "seconds per vehicle", "12 s"),
        (420, "active minutes", "420 min"),
        (1.316, "planning time index", "1.32"),
        (0.4, "buffer index", "40 %"),
        (12.0, "incidents", "12"),
        (999_999.4, "USD", "USD 999,999"),
        (1_234_567.0, "EUR", "EUR 1.23 M"),
        (124_221_407.9, "USD", "USD 124 M"),
        (0.24, "vehicle hours", "0.2 veh h"),
        (None, "USD", "–"),
    ],
)
def test_a_figure_is_written_with_its_unit(value: float | None, unit: str, written: str) -> None:
    assert figure(value, unit) == written


@pytest.mark.parametrize(
    ("value", "before", "told"),
    [
        (119, 100, "up 19 % on the week before"),
        (60, 100, "down 40 % on the week before"),
        (100.4, 100, "as in the week before"),
        (0, 0, "as in the week before"),
        (5, 0, "none in the week before"),
        (5, None, "not comparable with the week before"),
    ],
)
def test_a_change_is_told_in_words(value: float, before: float | None, told: str) -> None:
    assert change(Insight("total", "delay", value, "vehicle hours", before)) == told


@pytest.mark.parametrize(
    ("first", "last", "told"),
    [
        (date(2026, 3, 2), date(2026, 3, 8), "2 to 8 March 2026"),
        (date(2026, 2, 23), date(2026, 3, 1), "23 February to 1 March 2026"),
        (date(2025, 12, 29), date(2026, 1, 4), "29 December 2025 to 4 January 2026"),
    ],
)
def test_a_period_says_what_its_ends_have_in_common_once(first: date, last: date, told: str) -> None:
    assert period(Days(first, last)) == told
