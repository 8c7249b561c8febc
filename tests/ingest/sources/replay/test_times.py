"""Stamps become UTC, whatever the clocks did."""

from datetime import UTC, datetime, timedelta
from itertools import cycle
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sources.replay.times import Times, Twice
from urbanclear.errors import InvalidEvent

NEW_YORK = "America/New_York"
BEFORE_THE_END_OF_SUMMER = datetime(2017, 11, 5, 4, 0, tzinfo=UTC)  # 00:00 local; 01:00 comes twice
AFTER_IT = timedelta(hours=4)


def read(times: Times, sensor: str, stamp: str) -> datetime:
    moment = times.moment(stamp)
    return times.tell_apart(sensor, moment) if isinstance(moment, Twice) else moment


def stamp(time: datetime) -> str:
    return time.astimezone(ZoneInfo(NEW_YORK)).replace(tzinfo=None).isoformat()


@st.composite
def reports(draw: st.DrawFn) -> list[tuple[str, datetime]]:
    """A night's reports of some sensors, each at its own uneven pace but every half hour, in the order of time."""
    night: list[tuple[str, datetime]] = []
    for number in range(draw(st.integers(1, 3))):
        gaps = cycle(draw(st.lists(st.integers(60, 29 * 60), min_size=1, max_size=8)))
        time = BEFORE_THE_END_OF_SUMMER
        while (time := time + timedelta(seconds=next(gaps))) < BEFORE_THE_END_OF_SUMMER + AFTER_IT:
            night.append((f"link-{number}", time))
    return sorted(night, key=lambda report: report[1])


@given(reports())
def test_the_hour_that_comes_twice_is_told_apart_by_each_sensors_order(night: list[tuple[str, datetime]]) -> None:
    times = Times(NEW_YORK)
    assert [read(times, sensor, stamp(time)) for sensor, time in night] == [time for _, time in night]


@given(reports())
def test_it_is_told_apart_in_a_file_that_begins_with_the_newest(night: list[tuple[str, datetime]]) -> None:
    times = Times(NEW_YORK, newest_first=True)
    backwards = night[::-1]
    assert [read(times, sensor, stamp(time)) for sensor, time in backwards] == [time for _, time in backwards]


@given(st.datetimes(min_value=datetime(2010, 1, 1), max_value=datetime(2026, 1, 1), timezones=st.just(UTC)))
def test_a_time_read_back_from_its_local_stamp_is_the_same_unless_that_comes_twice(time: datetime) -> None:
    moment = Times(NEW_YORK).moment(stamp(time))
    assert time in (moment.earlier, moment.later) if isinstance(moment, Twice) else time == moment


def test_a_stamp_that_repeats_in_the_hour_that_comes_twice_is_the_same_reading_again() -> None:
    times = Times(NEW_YORK)
    stamps = ["2017-11-05T01:10:00", "2017-11-05T01:10:00", "2017-11-05T01:40:00"]
    assert [read(times, "link", text).hour for text in stamps] == [5, 5, 5]


def test_next_years_hour_begins_again_with_its_first_pass() -> None:
    times = Times(NEW_YORK)
    stamps = ["2017-11-05T01:40:00", "2017-11-05T01:10:00", "2018-11-04T01:05:00"]
    assert [read(times, "link", text).hour for text in stamps] == [5, 6, 5]


@pytest.mark.parametrize("text", ["6/4/2021 15:54:11", "06/04/2021 03:54:11 PM", "2021-06-04T15:54:11.000"])
def test_every_way_the_feed_has_written_a_stamp_is_understood(text: str) -> None:
    times = Times(NEW_YORK, ("%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p"))
    assert times.moment(text) == datetime(2021, 6, 4, 19, 54, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "text", "reason"),
    [
        (NEW_YORK, "2017-03-12T02:30:00", "nonexistent_time"),
        (NEW_YORK, "yesterday", "bad_time"),
        (NEW_YORK, "", "bad_time"),
        (NEW_YORK, "2017-02-30T00:00:00", "bad_time"),
        (NEW_YORK, "9999-12-31T23:30:00", "bad_time"),
        (NEW_YORK, "0001-01-01T00:00:00+05:00", "bad_time"),
        (None, "2017-03-12T02:30:00", "naive_time"),
    ],
)
def test_a_stamp_that_is_no_time_is_refused_with_its_reason(zone: str | None, text: str, reason: str) -> None:
    with pytest.raises(InvalidEvent) as raised:
        Times(zone).moment(text)
    assert raised.value.reason == reason
