"""Incidents are scored by the truth about them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from bench.spark.incidents import INTERVAL, scored

START = datetime(2026, 3, 2, tzinfo=UTC)
STEPS = 240  # two hours


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def city(slowed: tuple[float, float], failing: tuple[float, float] = (0, 0)) -> pd.DataFrame:
    """An incident slows sensor `a` from one minute to another; `b` fails for a while; `c` is well."""
    rows = []
    for step in range(STEPS):
        minute = step * (INTERVAL / timedelta(minutes=1))
        slow, fails = slowed[0] <= minute < slowed[1], failing[0] <= minute < failing[1]
        for sensor in "abc":
            cause = "crash" if sensor == "a" and slow else None
            state = "stuck" if sensor == "b" and fails else None
            rows.append((at(minute), sensor, 30.0 if cause else 80.0, 82.0, cause, state))
    return pd.DataFrame(rows, columns=["time", "sensor", "speed_kmh", "undisturbed_speed_kmh", "cause", "failing"])


def drop(sensor: str, start: float, end: float | None) -> dict[str, Any]:
    return {"sensor": sensor, "start": at(start), "end": None if end is None else at(end)}


def test_a_drop_at_the_slowed_sensor_finds_the_incident_a_minute_after_it_began() -> None:
    found = scored(city((30, 60)), [drop("a", 31, None)])
    assert (found.incidents, found.delays, found.false_alarms) == (1, [timedelta(minutes=2)], 0)


def test_a_drop_where_nothing_is_wrong_is_a_false_alarm_and_one_where_a_sensor_fails_is_none() -> None:
    found = scored(city((30, 60), failing=(70, 90)), [drop("b", 75, 80), drop("b", 5, 10), drop("c", 40, 50)])
    assert (found.incidents, found.delays, found.false_alarms) == (1, [], 2)
    figures = {one.name: one.value for one in found.figures()}
    assert figures["incident_recall_5min"] == figures["incident_recall"] == 0
    assert figures["false_alarms_per_sensor_day"] == pytest.approx(2 / (3 * 2 / 24), rel=0.01)


def test_what_slows_for_less_than_ten_minutes_does_not_count() -> None:
    assert scored(city((30, 39)), []).incidents == 0
