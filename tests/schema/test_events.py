"""The events' contract: what is accepted, what is refused and why, and the schemas that others read."""

import json
from datetime import UTC, datetime, timedelta

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.events import (
    ALL,
    Event,
    Incident,
    LineString,
    Point,
    Prediction,
    Reading,
    Sensor,
    Weather,
    check_time,
    decode,
    encode,
)
from schema.export import FOLDER, documents
from urbanclear.errors import InvalidEvent

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
times = st.datetimes(datetime(2001, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
names = st.from_regex(r"[a-z0-9][a-z0-9-]{0,10}:[A-Za-z0-9._-]{1,20}", fullmatch=True)


def numbers(most: float) -> st.SearchStrategy[float | None]:
    return st.none() | st.floats(0, most, allow_nan=False)


readings = st.builds(
    Reading,
    sensor=names,
    time=times,
    speed_kmh=st.floats(0, 400),
    volume_vph=numbers(50_000),
    occupancy=numbers(1),
    travel_time_s=numbers(86_400),
)
weathers = st.builds(
    Weather, station=names, time=times, temperature_c=st.none() | st.floats(-90, 70), precipitation_mm=numbers(500)
)
positions = st.lists(st.floats(-90, 90), min_size=2, max_size=2)
sensors = st.builds(
    Sensor,
    external_id=names,
    name=st.from_regex(r"[\w <>&\"'–]{0,80}", fullmatch=True),
    geometry=st.none()
    | st.builds(Point, coordinates=positions)
    | st.builds(LineString, coordinates=st.lists(positions, min_size=2, max_size=5)),
)
incidents = st.builds(
    Incident,
    id=names,
    time=times,
    status=st.sampled_from(["reported", "updated", "cleared"]),
    kind=st.sampled_from(["collision", "other"]),
    severity=st.sampled_from(["low", "critical"]),
    started_at=times,
    sensors=st.lists(names, max_size=3),
)
predictions = st.builds(
    Prediction,
    sensor=names,
    made_at=times,
    target_time=times,
    horizon_s=st.integers(1, 7200),
    speed_kmh=st.floats(0, 400),
)


@given(event=st.one_of(readings, weathers, sensors, incidents, predictions))
def test_what_is_encoded_decodes_to_the_same_and_fits_the_published_schema(event: Event) -> None:
    wire = encode(event)
    assert decode(type(event), wire) == event
    jsonschema.validate(json.loads(wire), json.loads(documents()[f"{type(event).__name__.lower()}.json"]))


@given(value=st.binary(max_size=200))
def test_any_bytes_are_an_event_or_have_a_reason(value: bytes) -> None:
    for kind in ALL:
        try:
            assert isinstance(decode(kind, value), kind)
        except InvalidEvent as error:
            assert error.reason in {"undecodable", "invalid", "naive_time"}


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("time", '"2026-03-02T12:00:00"', "naive_time"),
        ("time", '"yesterday"', "invalid"),
        ("time", "1772452800", "invalid"),
        ("speed_kmh", "-1", "invalid"),
        ("speed_kmh", "401", "invalid"),
        ("speed_kmh", "NaN", "undecodable"),
        ("speed_kmh", "1e999", "invalid"),
        ("speed_kmh", '"50"', "invalid"),
        ("speed_kmh", "null", "invalid"),
        ("occupancy", "1.01", "invalid"),
        ("sensor", '"no-source"', "invalid"),
        ("sensor", '"NYC:1"', "invalid"),
        ("sensor", '"nyc:a b"', "invalid"),
    ],
)
def test_a_reading_out_of_range_is_refused_with_a_reason(field: str, value: str, reason: str) -> None:
    fields = {"sensor": '"nyc:1"', "time": '"2026-03-02T12:00:00Z"', "speed_kmh": "50", field: value}
    text = "{" + ",".join(f'"{name}":{value}' for name, value in fields.items()) + "}"
    with pytest.raises(InvalidEvent) as refused:
        decode(Reading, text.encode())
    assert refused.value.reason == reason


def test_a_field_that_a_newer_producer_adds_is_ignored() -> None:
    wire = b'{"sensor":"nyc:1","time":"2026-03-02T12:00:00+01:00","speed_kmh":50,"colour":"red"}'
    assert decode(Reading, wire) == Reading(sensor="nyc:1", time=NOON - timedelta(hours=1), speed_kmh=50)


@pytest.mark.parametrize(("ahead_s", "accepted"), [(-3600, True), (299, True), (301, False)])
def test_a_time_may_be_ahead_of_the_clock_by_the_tolerance_and_no_more(ahead_s: int, accepted: bool) -> None:
    reading = Reading(sensor="nyc:1", time=NOON + timedelta(seconds=ahead_s), speed_kmh=50)
    try:
        check_time(reading, now=NOON, oldest=NOON - timedelta(days=1), future_tolerance=timedelta(minutes=5))
    except InvalidEvent as error:
        assert (accepted, error.reason) == (False, "future_time")
    else:
        assert accepted


def test_the_exported_schemas_are_in_step_with_the_code() -> None:
    found = {file.name: file.read_text() for file in FOLDER.glob("*.json")}
    assert found == documents(), "run `urbanclear schema export-events`"
