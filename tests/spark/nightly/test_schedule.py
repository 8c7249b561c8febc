"""When the night's jobs are due, on days of every length."""

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark.nightly.schedule import next_run

NEW_YORK = "America/New_York"


@pytest.mark.parametrize(
    ("now", "at", "due"),
    [
        ("2026-01-10T12:00+00:00", "03:00", "2026-01-11T08:00+00:00"),
        ("2026-01-11T07:59:59+00:00", "03:00", "2026-01-11T08:00+00:00"),
        ("2026-01-11T08:00+00:00", "03:00", "2026-01-12T08:00+00:00"),
        ("2026-01-11T02:00+00:00", "00:00", "2026-01-11T05:00+00:00"),
        ("2026-03-08T06:00+00:00", "03:00", "2026-03-08T07:00+00:00"),  # an hour less: 3:00 follows 1:59
        ("2026-03-08T06:00+00:00", "02:30", "2026-03-08T07:30+00:00"),  # which clocks call 3:30
        ("2026-03-08T07:30+00:00", "02:30", "2026-03-09T06:30+00:00"),
        ("2026-11-01T05:00+00:00", "01:30", "2026-11-01T05:30+00:00"),  # an hour more: 1:30 comes twice
        ("2026-11-01T05:30+00:00", "01:30", "2026-11-02T06:30+00:00"),
        ("2026-11-01T05:45+00:00", "03:00", "2026-11-01T08:00+00:00"),
    ],
)
def test_the_time_is_that_of_the_citys_clock_and_comes_once_a_day(now: str, at: str, due: str) -> None:
    assert next_run(datetime.fromisoformat(now), time.fromisoformat(at), NEW_YORK) == datetime.fromisoformat(due)


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC)),
    st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    st.sampled_from([NEW_YORK, "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]),
)
def test_each_local_day_has_one_run_and_runs_are_about_a_day_apart(now: datetime, at: time, zone: str) -> None:
    runs = [next_run(now, at, zone)]
    for _ in range(3):
        runs.append(next_run(runs[-1], at, zone))
    days = [run.astimezone(ZoneInfo(zone)).date() for run in runs]
    assert now < runs[0] <= now + timedelta(hours=25)
    assert [(later - earlier).days for earlier, later in pairwise(days)] == [1, 1, 1]
