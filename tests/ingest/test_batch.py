"""Decoding: quick or slow, what is accepted is what the contract accepts, and everything else is told why."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np
import pytest
from aiokafka import ConsumerRecord, TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from ingest.batch import Batch, Reader
from ingest.readings import microseconds
from ingest.registry import Registry
from schema import topics
from schema.events import Reading, check_time, decode
from schema.rollups import MEASURES
from urbanclear.errors import InvalidEvent
from urbanclear.settings import Settings

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
TOPIC = topics.READINGS.name
GOOD = {"sensor": "t:1", "time": "2026-03-02T12:00:00Z", "speed_kmh": 50.5}


def record(value: bytes | None, offset: int) -> ConsumerRecord:
    return ConsumerRecord(TOPIC, 0, offset, 0, 0, None, value, None, 0, len(value or b""), ())


def read(*values: bytes | None, settings: Settings | None = None, now: datetime = NOW) -> tuple[Batch, Registry]:
    registry = Registry()
    records = [record(value, offset) for offset, value in enumerate(values)]
    return Reader(settings or Settings(), registry).read({TopicPartition(TOPIC, 0): records}, now), registry


def accepted(batch: Batch, registry: Registry) -> list[tuple[Any, ...]]:
    readings = batch.readings
    rows = zip(readings.sensors, readings.times, readings.measures.T, strict=True)
    return [(registry.names[sensor], time, *measures.astype(float)) for sensor, time, measures in rows]


def by_the_contract(element: bytes) -> tuple[Any, ...] | str:
    """The reading in its columns' form, or the reason why it is none."""
    try:
        reading = decode(Reading, element)
        check_time(reading, now=NOW, oldest=Settings().oldest_time, future_tolerance=Settings().future_tolerance)
    except InvalidEvent as error:
        return error.reason
    measures = (getattr(reading, name) for name in MEASURES)
    return (
        reading.sensor,
        microseconds(reading.time),
        *(np.nan if value is None else float(np.float32(value)) for value in measures),
    )


json_values = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
zones: Any = st.just(UTC) | st.none()
stamps = (
    st.datetimes(datetime(1999, 1, 1), datetime(2027, 1, 1), timezones=zones).map(datetime.isoformat)
    | st.datetimes(NOW.replace(tzinfo=None) - timedelta(days=3), NOW.replace(tzinfo=None)).map(
        lambda time: f"{time.isoformat()}Z"
    )
    | st.text(max_size=12)
    | json_values
)
sensors = (
    st.sampled_from(["t:1", "nyc-dot:4616337", "t:", "T:1", "t1", "t:a b", "t:\0", "t:" + "x" * 121]) | st.text()
)
measures = st.floats(0, 500, allow_nan=False) | st.integers(0, 60_000) | json_values
elements = st.fixed_dictionaries(
    {"sensor": sensors, "time": stamps},
    optional={**dict.fromkeys(MEASURES, measures), "unknown": json_values},
) | st.dictionaries(st.text(max_size=5), json_values, max_size=3)


@given(batches=st.lists(st.lists(elements, max_size=4) | elements, min_size=1, max_size=5))
def test_what_is_accepted_and_why_not_is_what_the_contract_says_of_each(batches: list[Any]) -> None:
    values = [json.dumps(batch).encode() for batch in batches]
    batch, registry = read(*values)
    outcomes = {
        f"{TOPIC}/0/{offset}" + (f"/{number}" if isinstance(carried, list) else ""): by_the_contract(
            json.dumps(element).encode()
        )
        for offset, carried in enumerate(batches)
        for number, element in enumerate(carried if isinstance(carried, list) else [carried])
    }
    good = [outcome for outcome in outcomes.values() if isinstance(outcome, tuple)]
    np.testing.assert_equal(sorted(accepted(batch, registry), key=repr), sorted(good, key=repr))
    bad = {origin: outcome for origin, outcome in outcomes.items() if isinstance(outcome, str)}
    assert {letter.origin: letter.reason for letter in batch.dead} == bad
    for letter in batch.dead:
        carried = batches[letter.record.offset]
        assert json.loads(letter.value) == (carried if letter.item is None else carried[letter.item])


@given(value=st.binary(max_size=60) | st.just(json.dumps(GOOD).encode()).map(lambda text: text[: len(text) // 2]))
def test_whatever_bytes_come_are_one_dead_letter_or_a_reading(value: bytes) -> None:
    batch, _ = read(value, json.dumps(GOOD).encode())
    assert len(batch.readings) == 1 + (len(batch.dead) == 0 and by_the_contract(value) != "undecodable")
    assert all(letter.value == value for letter in batch.dead)
    assert len(batch.dead) <= 1


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e999"])
def test_numbers_that_are_none_make_the_message_a_dead_letter(text: str) -> None:
    value = json.dumps(GOOD).replace("50.5", text).encode()
    batch, _ = read(value, b"[" + value + b"]")
    assert len(batch.readings) == 0
    assert {letter.origin for letter in batch.dead} >= {f"{TOPIC}/0/0"}
    assert len(batch.dead) == 2


def test_a_message_without_a_value_is_a_dead_letter_and_an_empty_list_is_nothing() -> None:
    batch, _ = read(None, b"[]")
    assert [(letter.origin, letter.reason) for letter in batch.dead] == [(f"{TOPIC}/0/0", "undecodable")]


def test_a_bad_reading_among_good_ones_goes_alone_with_its_own_bytes() -> None:
    bad = b'{"sensor":"t:2","time":"2026-03-02T12:00:00Z","speed_kmh":-1}'
    good = json.dumps(GOOD).encode()
    batch, registry = read(b"[" + good + b", " + bad + b"]")
    assert [row[0] for row in accepted(batch, registry)] == ["t:1"]
    [letter] = batch.dead
    assert (letter.value, letter.reason, letter.origin) == (bad, "invalid", f"{TOPIC}/0/0/1")


def test_readings_older_than_they_are_kept_are_too_old() -> None:
    settings = Settings(readings_retention=timedelta(days=30))
    now = datetime.now(UTC)
    values = [msgspec.json.encode({**GOOD, "time": now - timedelta(days=days)}) for days in (31, 29)]
    batch, _ = read(*values, settings=settings, now=now)
    assert len(batch.readings) == 1
    assert [letter.reason for letter in batch.dead] == ["too_old"]


@pytest.mark.parametrize("value", [b"[" * 100_000, b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"])
def test_a_message_nested_without_end_is_a_dead_letter(value: bytes) -> None:
    batch, _ = read(value)
    assert [letter.reason for letter in batch.dead] == [by_the_contract(value)]
