"""Weather and incidents beside a city's speeds, as the database knows them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import psycopg

from spark.forecast.frame import STEP_S, Conditions, clock_s
from spark.forecast.window import Window

HOLDS: Final = timedelta(hours=2)
"""That an observation of rain is good for: stations observe each hour."""

_RAIN: Final = """
    SELECT time, avg(precipitation_mm) FROM weather
    WHERE time > %s AND time <= %s AND precipitation_mm IS NOT NULL
    GROUP BY time ORDER BY time
"""
#: An incident is known from its first report on, which may be long after it began.
_INCIDENTS: Final = """
    SELECT unnest(sensors), greatest(started_at, reported), cleared_at, greatest(lanes_blocked, 1)
    FROM incidents LEFT JOIN LATERAL (
        SELECT min(updates.time) AS reported FROM incident_updates AS updates WHERE incident_id = incidents.id
    ) AS first ON true
    WHERE started_at <= %(until)s AND (cleared_at IS NULL OR cleared_at > %(since)s)
"""


@dataclass(frozen=True)
class Now:
    """What is known at present: the rain of the last hour, mm, NaN if not known; lanes blocked, by sensor."""

    rain_mm: float = float("nan")
    lanes_blocked: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, connection: psycopg.Connection[Any], time: datetime) -> "Now":
        rain = _rain(connection, time - HOLDS, time)
        blocked: dict[str, float] = {}
        for sensor, since, _, lanes in _incidents(connection, time, time):
            if since <= time:
                blocked[sensor] = blocked.get(sensor, 0) + lanes
        return cls(rain[-1][1] if rain else float("nan"), blocked)

    def on(self, window: Window) -> Window:
        """The window with what is known of its sensors."""
        lanes = np.array([self.lanes_blocked.get(sensor, 0) for sensor in window.sensors], np.float32)
        return replace(window, rain_mm=self.rain_mm, lanes_blocked=lanes)


def conditions_of(
    connection: psycopg.Connection[Any], sensors: Sequence[str], first: int, steps: int, zone: ZoneInfo
) -> Conditions:
    """Of so many steps by the city's clock, the first of which is number `first` since 1970."""
    since, until = (
        datetime.fromtimestamp(step * STEP_S, UTC).replace(tzinfo=zone) for step in (first, first + steps)
    )
    rain = np.full(steps, np.nan, np.float32)
    holds = int(HOLDS.total_seconds()) // STEP_S
    for time, fell_mm in _rain(connection, since - HOLDS, until):
        step = clock_s(time, zone) // STEP_S - first
        rain[max(step, 0) : max(step + holds, 0)] = fell_mm
    blocked = np.zeros((steps, len(sensors)), np.float32)
    column = {sensor: number for number, sensor in enumerate(sensors)}
    for sensor, begins, ends, lanes in _incidents(connection, since, until):
        if sensor in column:
            start = max(-(-clock_s(begins, zone) // STEP_S) - first, 0)
            stop = steps if ends is None else max(clock_s(ends, zone) // STEP_S - first, 0)
            blocked[start:stop, column[sensor]] += lanes
    return Conditions(rain, blocked)


def _rain(connection: psycopg.Connection[Any], since: datetime, until: datetime) -> list[tuple[datetime, float]]:
    return connection.execute(_RAIN, (since, until)).fetchall()


def _incidents(
    connection: psycopg.Connection[Any], since: datetime, until: datetime
) -> list[tuple[str, datetime, datetime | None, int]]:
    return connection.execute(_INCIDENTS, {"since": since, "until": until}).fetchall()
