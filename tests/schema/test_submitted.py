"""What is told apart in readings that others hand in, whatever they hand in."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema import submitted
from schema.events import Reading, encode
from schema.submitted import Submitted, check_by_clock, items_of_json, items_of_lines, sort_out
from tests.schema.test_events import readings
from urbanclear.errors import InvalidEvent
from urbanclear.settings import Settings

NOW = datetime.now(UTC)
GOOD = Reading(sensor="test:1", time=NOW, speed_kmh=50)
junk = st.sampled_from([b"{}", b"7", b"null", b"[]", b'"\\u0000"', b'{"sensor":"test:1"}', b"\xff", b'{"a":'])
valid_junk = junk.filter(lambda item: item not in (b"\xff", b'{"a":'))


def anything(_: Reading) -> None:
    """Passes every reading."""


@given(st.lists(readings.map(encode) | valid_junk, max_size=20))
def test_every_item_of_an_array_is_a_reading_or_is_rejected_by_its_index(items: list[bytes]) -> None:
    found = sort_out(items_of_json(b" [" + b" , ".join(items) + b"]\n"), anything)
    assert_accounted_for(items, found)


@given(st.lists(readings.map(encode) | junk, max_size=20))
def test_every_line_is_a_reading_or_is_rejected_by_its_index(items: list[bytes]) -> None:
    found = sort_out(items_of_lines(b"\n\r\n".join(items) + b"\n"), anything)
    assert_accounted_for(items, found)


def assert_accounted_for(items: list[bytes], found: Submitted) -> None:
    rejected = {part.index: part.item.strip() for part in found.rejected}
    assert all(items[index] == item for index, item in rejected.items())
    kept = [item for index, item in enumerate(items) if index not in rejected]
    assert found.readings == [msgspec.json.decode(item, type=Reading) for item in kept]
    assert len(found.readings) == sum(item.startswith(b'{"sensor":"') and b"time" in item for item in items)


@given(st.binary(max_size=200))
def test_whatever_is_handed_in_is_accounted_for_or_refused_as_a_whole(body: bytes) -> None:
    for items_of in (items_of_json, items_of_lines):
        try:
            items = items_of(body)
        except InvalidEvent as error:
            assert error.reason == "undecodable"
            continue
        found = sort_out(items, anything)
        assert len(found.readings) + len(found.rejected) == len(items)


@pytest.mark.parametrize("body", [b"[" * 100_000, b'[{"a":' + b"[" * 100_000, b"[1,", b"[\xff]"])
def test_an_array_that_is_none_is_undecodable(body: bytes) -> None:
    with pytest.raises(InvalidEvent, match="undecodable"):
        items_of_json(body)


def test_an_item_nested_without_end_is_undecodable() -> None:
    deep = b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    [rejected] = sort_out([deep], anything).rejected
    assert rejected.reason == "undecodable"


def test_more_items_than_are_taken_at_once_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submitted, "MOST_ITEMS", 3)
    monkeypatch.setattr(submitted, "MOST_COMMAS", 100)
    assert len(items_of_json(b"[1,2,3]")) == len(items_of_lines(b"1\n2\n3\n")) == 3
    for refused in (b"[1,2,3,4]", b"[" + b"," * 101 + b"]"):
        with pytest.raises(InvalidEvent, match="too_many"):
            items_of_json(refused)
    for refused in (b"1\n2\n3\n4", b"\n" * 101):
        with pytest.raises(InvalidEvent, match="too_many"):
            items_of_lines(refused)


@pytest.mark.parametrize(
    ("time", "reason"),
    [
        (NOW + timedelta(days=1), "future_time"),
        (NOW - timedelta(days=31), "too_old"),
        (datetime(1999, 12, 31, tzinfo=UTC), "too_old"),
    ],
)
def test_a_time_that_ingest_would_refuse_is_refused(time: datetime, reason: str) -> None:
    check = check_by_clock(Settings.model_validate({"readings_retention": "30d", "rollups_5m_retention": "365d"}))
    late = msgspec.structs.replace(GOOD, time=time)
    found = sort_out([encode(late), encode(GOOD)], check)
    assert (found.readings, [part.reason for part in found.rejected]) == ([GOOD], [reason])
