"""How long a server wants to be left alone, as it says."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sources.live.waits import LONGEST, fresh_for, retry_after

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("120", timedelta(minutes=2)),
        ("0", timedelta(0)),
        ("Mon, 01 Jun 2026 12:00:30 GMT", timedelta(seconds=30)),
        ("Mon, 01 Jun 2026 12:00:30 -0000", timedelta(seconds=30)),
        ("Mon, 01 Jun 2026 11:00:00 GMT", timedelta(0)),
        ("999999999", LONGEST),
        ("Fri, 01 Jan 2100 00:00:00 GMT", LONGEST),
        ("-5", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, expected: timedelta | None) -> None:
    assert retry_after({"retry-after": text}, NOW) == expected


@given(st.integers(min_value=0, max_value=int(LONGEST.total_seconds())))
def test_the_same_wait_is_read_from_either_form(seconds: int) -> None:
    date = format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)
    assert retry_after({"retry-after": date}, NOW) == retry_after({"retry-after": str(seconds)}, NOW)


@given(st.text())
def test_any_header_gives_a_bounded_wait_or_none(text: str) -> None:
    wait = retry_after({"retry-after": text}, NOW)
    assert wait is None or timedelta(0) <= wait <= LONGEST
    assert timedelta(0) <= fresh_for({"cache-control": text, "age": text}) <= LONGEST


@pytest.mark.parametrize(
    ("control", "age", "seconds"),
    [
        ("max-age=60", "", 60),
        ("public, max-age=60", "", 60),
        ("Public,Max-Age=60", "10", 50),
        ("max-age=60", "90", 0),
        ("s-maxage=600", "", 0),
        ("no-store", "", 0),
        ("", "", 0),
    ],
)
def test_a_document_is_fresh_for_its_max_age_less_its_age(control: str, age: str, seconds: int) -> None:
    assert fresh_for({"cache-control": control, "age": age}) == timedelta(seconds=seconds)
