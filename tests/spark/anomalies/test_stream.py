"""What the detector says of series whose story is known."""

import math
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark.anomalies.stream import ALARM_SCORE, Detector, Tuning

START = datetime(2026, 3, 2, tzinfo=UTC)
FIVE_MINUTES = timedelta(minutes=5)
DAY = 288

Series = Sequence[tuple[datetime, float | None]]


def every_five_minutes(values: Sequence[float | None]) -> Series:
    return [(START + FIVE_MINUTES * row, value) for row, value in enumerate(values)]


def scored(series: Series, tuning: Tuning | None = None) -> list[float]:
    detector = Detector(tuning) if tuning else Detector()
    return [detector.score(time, value) for time, value in series]


def alarms(values: Sequence[float | None]) -> list[int]:
    return [row for row, score in enumerate(scored(every_five_minutes(values))) if score >= ALARM_SCORE]


def speeds(days: int, seed: int = 1) -> list[float | None]:
    """Noise around a daily course with a slow morning and a slow evening, weekends without."""
    chance = random.Random(seed)
    rows: list[float | None] = []
    for row in range(days * DAY):
        hour, day = row % DAY / 12, row // DAY
        rush = 0 if day % 7 >= 5 else 15 * (math.exp(-((hour - 8) ** 2)) + math.exp(-((hour - 17) ** 2)))
        rows.append(100 - rush + chance.gauss(0, 4))
    return rows


stamps = st.datetimes(timezones=st.just(UTC), min_value=datetime(2000, 1, 1), max_value=datetime(2050, 1, 1))
any_series = st.lists(st.tuples(stamps, st.none() | st.floats() | st.sampled_from([0.0, 60.0, 61.0])), max_size=80)


@given(any_series, st.integers(0, 80), st.sampled_from([2, 5, 1000]))
def test_scores_lie_between_0_and_1_and_those_of_a_prefix_are_the_prefix(
    series: Series, length: int, memory: int
) -> None:
    tuning = Tuning(memory=memory, least=2)
    scores = scored(series, tuning)
    assert all(0 <= score <= 1 for score in scores)
    assert scored(series[:length], tuning) == scores[:length]


@given(st.floats(0.001, 1000), st.floats(-1000, 1000), st.integers(0, 5))
def test_the_unit_does_not_matter(factor: float, level: float, seed: int) -> None:
    values = [60 + random.Random(seed + row).gauss(0, 10) for row in range(200)]
    there = scored(every_five_minutes(values), Tuning(memory=100))
    other = scored(every_five_minutes([value * factor for value in values]), Tuning(memory=100))
    assert other == pytest.approx(there)


def test_a_daily_course_gives_no_alarm() -> None:
    assert alarms(speeds(28)) == []


@pytest.mark.parametrize("seed", range(5))
def test_a_jam_is_told_at_once_and_once(seed: int) -> None:
    values = speeds(10, seed)
    jam = range(9 * DAY + 150, 9 * DAY + 180)
    values[jam.start : jam.stop] = [20 + row % 3 for row in jam]
    told = alarms(values)
    assert [row for row in told if row in jam] == [jam.start]
    assert len(told) <= 2


def test_a_jam_after_an_hour_of_calm_is_told_again() -> None:
    values = speeds(4)
    first, within, after = 900, 908, 930
    values[first] = values[within] = values[after] = 20
    assert alarms(values) == [first, after]


def test_what_is_far_worse_is_told_within_the_hour() -> None:
    values = every_five_minutes([200 + row % 10 for row in range(500)] + [260, 270, 800, 900])
    assert [row for row, score in enumerate(scored(values)) if score >= ALARM_SCORE] == [500, 502]


def test_a_spike_of_travel_time_is_told_in_a_series_that_leaps() -> None:
    chance = random.Random(3)
    values: list[float | None] = [chance.lognormvariate(5.5, 0.5) for _ in range(2000)]
    values[1500] = 5000
    assert 1500 in alarms(values)
    assert len(alarms(values)) < 10


def test_a_new_level_is_told_once_and_then_is_the_usual() -> None:
    values = [value and value * (1 if row < 1500 else 0.4) for row, value in enumerate(speeds(14))]
    told = alarms(values)
    assert told[0] == 1500
    assert told[-1] < 1500 + DAY


def test_a_sensor_that_stood_still_is_told_when_it_moves() -> None:
    assert alarms([60.0] * 100 + [60.2] + [60.0] * 20 + [75.0]) == [121]
    assert alarms([0.0] * 100 + [1.0]) == [100]


def test_a_series_mostly_of_zeros_gives_no_alarm_for_what_it_gave_before() -> None:
    rarely_one = [float(row % 20 == 19) for row in range(400)]
    assert alarms(rarely_one) == []
    assert alarms([*rarely_one, 5.0]) == [400]


def test_what_is_missing_scores_0_and_is_not_remembered() -> None:
    values = speeds(4)
    holes = [None, math.nan, math.inf, -math.inf, 1e300]
    with_holes = [item for value in values for item in (*holes, value)]
    both = scored([(START + FIVE_MINUTES * (row // 6), value) for row, value in enumerate(with_holes)])
    assert both[5::6] == scored(every_five_minutes(values))
    assert not any(score for row, score in enumerate(both) if row % 6 != 5)


@pytest.mark.parametrize("values", [[], [5.0], [5.0, 900.0], [7.0] * 2000])
def test_too_little_or_nothing_new_scores_0(values: list[float | None]) -> None:
    assert scored(every_five_minutes(values)) == [0.0] * len(values)


@pytest.mark.parametrize("step", [timedelta(0), -FIVE_MINUTES, timedelta(days=40)])
def test_whatever_the_stamps_a_jam_is_told(step: timedelta) -> None:
    values = [*speeds(4), 5.0]
    assert scored([(START + step * row, value) for row, value in enumerate(values)])[-1] >= ALARM_SCORE


def test_a_jam_that_comes_daily_is_not_told_and_at_another_time_it_is() -> None:
    jammed = {row for row in range(14 * DAY) if 96 <= row % DAY < 132}
    values = [value and value * (0.3 if row in jammed else 1) for row, value in enumerate(speeds(14))]
    assert [row for row in alarms(values) if row > 2 * DAY] == []
    values[13 * DAY + 20] = 30
    assert [row for row in alarms(values) if row > 2 * DAY] == [13 * DAY + 20]
