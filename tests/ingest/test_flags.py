"""What is flagged at the door: what no road gives, sensors that repeat themselves, live readings that lag."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.flags import GOOD, Rules, flag, in_key_order
from ingest.readings import NEVER, Readings, microseconds
from ingest.registry import Registry
from schema.quality import KINDS, PLAUSIBLE, STUCK_READINGS
from schema.rollups import MEASURES, Flag

DOCS = Path(__file__).parents[2] / "docs"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = 60_000_000
HOUR = 60 * MINUTE
RULES = Rules.of(timedelta(hours=1), timedelta(hours=1))
Row = tuple[int, int, float | None, float | None, float | None, float | None]  # sensor, minute, measures


def registry_of(sensors: int, kind: str = "link", lanes: int = 2) -> Registry:
    registry = Registry()
    places = registry.places_of([f"t:{number}" for number in range(sensors)])
    state = registry.state
    state["id"][places] = [place + 1 for place in places]
    state["kind"][places], state["lanes"][places] = KINDS.index(kind), lanes
    state["newest"][places], state["loaded"][places] = NEVER, True
    return registry


def readings_of(rows: Sequence[Row]) -> Readings:
    return Readings(
        np.array([row[0] for row in rows], dtype=np.int32),
        np.array([microseconds(NOON) + row[1] * MINUTE for row in rows], dtype=np.int64),
        np.array([row[2:] for row in rows], dtype=np.float32).reshape(len(rows), len(MEASURES)).T,
        np.arange(len(rows)),
    )


def flags_of(
    registry: Registry, rows: Sequence[Row], rules: Rules = RULES, now: int = 0
) -> dict[tuple[int, int], int]:
    """The flag by sensor and minute; `now` is years later unless said."""
    readings = in_key_order(readings_of(rows), registry)
    flags = flag(readings, registry, rules, microseconds(NOON) + (now or 10**9) * MINUTE)
    minutes = (readings.times - microseconds(NOON)) // MINUTE
    return {
        (int(sensor), int(minute)): int(one)
        for sensor, minute, one in zip(readings.sensors, minutes, flags, strict=True)
    }


@pytest.mark.parametrize(
    ("kind", "measures", "expected"),
    [
        ("link", (160.0, None, None, None), GOOD),
        ("link", (165.0, None, None, None), Flag.IMPLAUSIBLE),
        ("detector", (165.0, None, None, None), GOOD),
        ("detector", (201.0, None, None, None), Flag.IMPLAUSIBLE),
        ("detector", (60.0, 6_000.0, None, None), GOOD),
        ("detector", (60.0, 6_001.0, None, None), Flag.IMPLAUSIBLE),
        ("detector", (5.0, 900.0, 0.96, None), Flag.IMPLAUSIBLE),
        ("detector", (0.0, 900.0, 0.3, None), Flag.IMPLAUSIBLE),
        ("detector", (0.0, 0.0, 0.0, None), GOOD),
        ("link", (None, None, None, 14_401.0), Flag.IMPLAUSIBLE),
    ],
)
def test_what_no_road_of_two_lanes_gives_is_implausible(
    kind: str, measures: tuple[float | None, float | None, float | None, float | None], expected: int
) -> None:
    assert flags_of(registry_of(1, kind), [(0, 0, *measures)]) == {(0, 0): expected}


def test_a_sensor_that_says_the_same_for_an_hour_is_stuck_until_it_says_something_else() -> None:
    rows: list[Row] = [(0, minute, 50.0, None, 0.1, None) for minute in range(0, 100, 5)]
    rows += [(0, 100, 51.0, None, 0.1, None), (0, 105, 51.0, None, 0.1, None)]
    found = flags_of(registry_of(1), rows)
    assert [minute for (_, minute), one in found.items() if one == Flag.STUCK] == list(range(60, 100, 5))
    assert set(found.values()) == {GOOD, Flag.STUCK}


def test_an_hour_of_fewer_than_eight_readings_is_not_enough() -> None:
    found = flags_of(registry_of(1), [(0, minute, 50.0, None, None, None) for minute in range(0, 300, 30)])
    assert [minute for (_, minute), one in found.items() if one] == [30 * n for n in range(STUCK_READINGS - 1, 10)]


def test_an_empty_road_is_not_stuck() -> None:
    rows: list[Row] = [(0, minute, None, 0.0, 0.0, None) for minute in range(0, 300, 5)]
    assert set(flags_of(registry_of(1), rows).values()) == {GOOD}


def test_a_live_reading_far_behind_its_sensors_newest_is_late_and_a_recording_never_is() -> None:
    live, recorded = registry_of(1), registry_of(1)
    for registry in (live, recorded):
        flags_of(registry, [(0, 0, 50.0, None, None, None)])
    behind: list[Row] = [(0, -59, 40.0, None, None, None), (0, -61, 40.0, None, None, None)]
    assert flags_of(live, behind, now=5) == {(0, -59): GOOD, (0, -61): Flag.LATE}
    assert set(flags_of(recorded, behind, now=61).values()) == {GOOD}


def test_rules_that_are_off_flag_nothing() -> None:
    rows: list[Row] = [(0, minute, 50.0, None, None, None) for minute in range(0, 300, 5)]
    rows.append((0, -500, 50.0, None, None, None))
    assert set(flags_of(registry_of(1), rows, Rules.of(None, None), now=300).values()) == {GOOD}


def one_by_one(rows: Sequence[Row], rules: Rules) -> dict[tuple[int, int], int]:
    """The same, said plainly: each sensor's readings in turn."""
    flags: dict[tuple[int, int], int] = {}
    newest: dict[int, tuple[int, tuple[float | None, ...], int, int]] = {}  # time, values, since, count
    for sensor, minute, *measures in rows:
        if (sensor, minute) in flags:
            continue
        time, values, speed = minute * MINUTE, tuple(measures), measures[0]
        flags[sensor, minute] = GOOD
        if speed is not None and speed > 161:
            flags[sensor, minute] = Flag.IMPLAUSIBLE
            continue
        before = newest.get(sensor)
        if before is not None and time <= before[0]:
            continue
        since, count = (before[2], before[3] + 1) if before is not None and before[1] == values else (time, 1)
        if rules.stuck_after is not None and count >= STUCK_READINGS and time - since >= rules.stuck_after:
            flags[sensor, minute] = Flag.STUCK
            newest[sensor] = (before[0] if before else time, values, since, count)
        else:
            newest[sensor] = (time, values, since, count)
    return flags


@given(
    rows=st.lists(
        st.tuples(
            st.integers(0, 2), st.integers(0, 40), st.sampled_from([50.0, 50.0, 51.0, 200.0, None]),
            st.none(), st.sampled_from([0.1, 0.1, None]), st.none(),
        ).filter(lambda row: row[2] is not None or row[4] is not None),
        max_size=120,
    ),
    cut=st.integers(1, 30),
)  # fmt: skip
def test_flags_are_those_that_one_reading_after_the_other_would_get_however_they_are_batched(
    rows: list[Row], cut: int
) -> None:
    rules = Rules.of(timedelta(minutes=15), None)
    ordered = sorted(rows, key=lambda row: row[1])  # as feeds send them; repeats in the order of arrival
    registry, found = registry_of(3), dict[tuple[int, int], int]()
    for start in range(0, len(ordered), cut):
        for key, one in flags_of(registry, ordered[start : start + cut], rules).items():
            found.setdefault(key, one)
    expected = one_by_one(ordered, rules)
    assert {key: one for key, one in found.items() if one != expected[key]} == {}
    assert found.keys() == expected.keys()


def test_the_documented_ranges_are_those_in_force() -> None:
    row = next(line for line in (DOCS / "ingest.md").read_text().splitlines() if line.startswith("| 1 |"))
    link, detector = PLAUSIBLE["link"], PLAUSIBLE["detector"]
    told = [f"{link.speed_kmh:.1f} km/h", f"{detector.speed_kmh} km/h", f"{link.volume_vph_per_lane:,} vehicles"]
    told += [f"{link.occupancy:.0%}".replace("%", " %"), "four hours"]
    assert [fact for fact in told if fact not in row] == []
    assert link.travel_time_s == 4 * 3600
    assert (link.volume_vph_per_lane, link.occupancy) == (detector.volume_vph_per_lane, detector.occupancy)
