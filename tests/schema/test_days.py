"""Whole days of the city, across changes of the clock."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.days import Days
from urbanclear.errors import ConfigurationError

NEW_YORK = "America/New_York"


@pytest.mark.parametrize(
    ("newest", "last"),
    [
        (datetime(2026, 3, 9, 3, 54, 59, tzinfo=UTC), date(2026, 3, 7)),  # 23:54:59 in New York
        (datetime(2026, 3, 9, 3, 55, tzinfo=UTC), date(2026, 3, 8)),
        (datetime(2026, 3, 9, 12, tzinfo=UTC), date(2026, 3, 8)),
    ],
)
def test_a_day_is_over_once_its_last_5_minutes_have_a_reading(newest: datetime, last: date) -> None:
    assert Days.newest_whole(newest, NEW_YORK) == Days(last - timedelta(days=6), last)


@given(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)), st.sampled_from([NEW_YORK, "Asia/Kolkata"]))
def test_the_days_of_a_span_up_to_the_newest_reading_are_the_last_that_are_over(newest: datetime, zone: str) -> None:
    until = newest.replace(tzinfo=UTC)
    days, last = Days.ended_in(until - timedelta(days=7), until, zone), Days.newest_whole(until, zone)
    assert days is not None
    assert abs(len(days) - len(last)) <= 1  # where the clock changes
    assert days.last == Days.newest_whole(until - timedelta(microseconds=1), zone).last


def test_days_from_midnight_to_midnight_are_themselves_and_a_part_of_a_day_is_none() -> None:
    days = Days(date(2026, 3, 7), date(2026, 3, 9))
    start, end = days.bounds(NEW_YORK)
    assert Days.ended_in(start, end, NEW_YORK) == days
    assert Days.ended_in(start, start + timedelta(hours=23), NEW_YORK) is None


def test_the_week_in_which_the_clock_changes_has_an_hour_less() -> None:
    start, end = Days.of_week("2026-W10").bounds(NEW_YORK)
    assert (start, end - start) == (datetime(2026, 3, 2, 5, tzinfo=UTC), timedelta(days=7, hours=-1))


@given(st.dates(date(2000, 1, 3), date(2100, 1, 1)), st.integers(1, 40), st.sampled_from([NEW_YORK, "Asia/Kolkata"]))
def test_days_are_those_of_their_own_span_and_the_ones_before_end_where_they_begin(
    first: date, count: int, time_zone: str
) -> None:
    days = Days(first, first + timedelta(days=count - 1))
    assert Days.of_span(*days.bounds(time_zone), time_zone) == days
    assert len(days.before) == len(days) == count
    assert days.before.bounds(time_zone)[1] == days.bounds(time_zone)[0]


@pytest.mark.parametrize("week", ["2026-W54", "2026-W00", "2026-10", "2026-W1", "week", "2026-W10\n", "0000-W01"])
def test_what_is_no_week_is_a_sentence(week: str) -> None:
    with pytest.raises(ConfigurationError, match="write it as in 2026-W10"):
        Days.of_week(week)
