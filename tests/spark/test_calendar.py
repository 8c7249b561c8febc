"""The city's calendar: holidays and the days on which clocks change."""

from datetime import UTC, date, datetime, timedelta

import pytest

from spark.calendar import Calendar
from spark.spans import Span

NEW_YORK = Calendar("America/New_York", "US-NY")


def test_public_holidays_count_as_sundays() -> None:
    assert NEW_YORK.day_type(date(2026, 11, 26)) == "sunday"  # Thanksgiving
    assert NEW_YORK.day_type(date(2026, 11, 27)) == "weekday"
    assert NEW_YORK.day_type(date(2026, 11, 28)) == "saturday"
    assert Calendar("Europe/Berlin", "DE").day_type(date(2026, 10, 3)) == "sunday"


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 8), 23), (date(2026, 11, 1), 25), (date(2026, 3, 9), 24)])
def test_each_day_has_the_hours_that_it_has_on_the_clocks_of_the_city(day: date, hours: int) -> None:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    moments = [moment for moment in NEW_YORK.moments(Span(start, start + timedelta(days=2))) if moment.day == day]
    assert len(moments) == hours * 12
    assert len({moment.epoch for moment in moments}) == hours * 12
    assert (moments[0].minute, moments[-1].minute) == (0, 23 * 60 + 45)
