"""The ring of the last minutes, against a list of all readings."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.events import Reading
from spark.forecast.serving.observed import Observed, readings_in
from spark.forecast.serving.state import MINUTES, Described, State
from spark.forecast.window import STEP, STEPS_IN, Window

END = datetime(2026, 3, 2, 8, tzinfo=UTC)
SENSORS = ("t:1", "t:2", "t:3")


def reading(sensor: str, seconds_ago: float, speed: float | None = 50, *, volume: float | None = None) -> Reading:
    time = END - timedelta(seconds=seconds_ago)
    return Reading(sensor=sensor, time=time, speed_kmh=speed, volume_vph=volume)


def state_of(*batches: Sequence[Reading]) -> State:
    state = State()
    for batch in batches:
        state.add(Observed.of(batch))
    return state


def naive(readings: Sequence[Reading], end: datetime) -> dict[str, list[float]]:
    """Each sensor's steps, by going through all readings."""
    first = {(one.sensor, one.time): one for one in reversed(readings)}.values()
    edges = [end - STEP * steps for steps in range(STEPS_IN, -1, -1)]
    found = {}
    for sensor in SENSORS:
        own = [one for one in first if one.sensor == sensor and one.speed_kmh is not None]
        steps = [[np.float32(one.speed_kmh) for one in own if a <= one.time < b] for a, b in pairwise(edges)]
        if any(steps):
            found[sensor] = [float(np.mean(step, dtype=float)) if step else np.nan for step in steps]
    return found


def assert_same(window: Window, expected: dict[str, list[float]]) -> None:
    assert window.sensors == tuple(sorted(expected))
    for column, sensor in enumerate(window.sensors):
        np.testing.assert_allclose(window.speeds_kmh[:, column], expected[sensor], rtol=1e-6)


readings = st.builds(
    reading,
    st.sampled_from(SENSORS),
    st.integers(-9 * 60, (MINUTES - 11) * 60),  # so that none pushes out another
    st.none() | st.floats(0, 150, width=32),
    volume=st.just(0.0),
)


@given(st.lists(readings, unique_by=lambda one: (one.sensor, one.time), max_size=60), st.data())
def test_windows_are_the_means_of_all_readings_in_whatever_order_and_however_often_they_come(
    made: list[Reading], data: st.DataObject
) -> None:
    again = data.draw(st.lists(st.sampled_from(made), max_size=20)) if made else []
    told = data.draw(st.permutations(made + again))
    cut = data.draw(st.integers(0, len(told)))
    end = END - timedelta(minutes=data.draw(st.integers(-5, 4)))
    state = state_of(told[:cut], told[cut:])
    assert_same(state.window(end), naive(made, end))


@given(st.lists(st.integers(0, 500), min_size=1, max_size=40))
def test_the_ring_rolls_over_gaps(minutes: list[int]) -> None:
    told = [
        Reading(sensor="t:1", time=END + timedelta(minutes=minute), speed_kmh=float(minute % 150))
        for minute in sorted(minutes)
    ]
    state = state_of(*[[one] for one in told])
    for end in {told[-1].time + timedelta(minutes=later) for later in (1, 7, 59, 61, 600)}:
        assert_same(state.window(end), naive(told, end))


@given(st.permutations([0, 30, 74, 75, 150, 151]))
def test_what_is_too_old_never_takes_the_place_of_what_is_newer(minutes: list[int]) -> None:
    told = [reading("t:1", -60 * minute, minute) for minute in minutes]
    end = END + timedelta(minutes=152)
    assert_same(state_of(*[[one] for one in told]).window(end), {"t:1": [np.nan] * 11 + [150.5]})


def test_of_two_readings_of_one_sensor_and_time_the_first_counts() -> None:
    state = state_of([reading("t:1", 10, 40), reading("t:1", 10, 60)], [reading("t:1", 10, 80)])
    assert state.window(END).speeds_kmh[-1] == [40]


def test_it_tells_which_readings_were_new() -> None:
    state = State()
    first = [reading("t:1", 10), reading("t:1", 9), reading("t:2", 10), reading("t:3", 10, None, volume=3)]
    assert state.add(Observed.of(first)) == (3, {"t:1", "t:2"})
    assert state.add(Observed.of([reading("t:1", 10), reading("t:2", 9)])) == (1, {"t:2"})
    assert state.add(Observed.of([])) == (0, set())


@pytest.mark.parametrize(
    "one",
    [
        reading("t:1", 10, 250),
        reading("t:1", 10, 0, volume=600),
        reading("t:1", 10, 50, volume=30_000),
    ],
)
def test_implausible_readings_do_not_count(one: Reading) -> None:
    assert state_of([one]).window(END).sensors == ()


def test_readings_are_judged_by_what_is_known_of_the_sensor() -> None:
    state = State()
    state.describe([Described("t:1", "detector", 1), Described("t:2", "link", None)])
    fast = [reading(sensor, 10, 190) for sensor in ("t:1", "t:2")]
    busy = [reading(sensor, 20, 50, volume=7_000) for sensor in ("t:1", "t:2")]
    assert state.add(Observed.of(fast + busy)) == (2, {"t:1", "t:2"})
    window = state.window(END)
    assert window.speeds_kmh[-1].tolist() == [190, 50]


def test_it_grows_with_the_sensors() -> None:
    many = [reading(f"t:{number}", 10, number % 100) for number in range(5_000)]
    window = state_of(many[:10], many).window(END)
    assert dict(zip(window.sensors, window.speeds_kmh[-1].tolist(), strict=True)) == {
        one.sensor: one.speed_kmh for one in many
    }


@pytest.mark.parametrize(
    ("value", "sensors", "unusable"),
    [
        (b'{"sensor":"t:1","time":"2026-03-02T08:00:00Z","speed_kmh":5}', ["t:1"], 0),
        (b'[{"sensor":"t:1","time":"2026-03-02T08:00:00Z","speed_kmh":5},{"sensor":"x"},7]', ["t:1"], 2),
        (b'{"sensor":"t:1","time":"2026-03-02T08:00:00","speed_kmh":5}', [], 1),
        (b"none", [], 1),
        (b"", [], 1),
        (b"[]", [], 0),
    ],
)
def test_what_is_no_reading_is_left_out_and_the_rest_of_its_message_is_not(
    value: bytes, sensors: list[str], unusable: int
) -> None:
    found, left_out = readings_in(value)
    assert ([one.sensor for one in found], left_out) == (sensors, unusable)
