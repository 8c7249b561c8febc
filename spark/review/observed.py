"""What a review compares: for every sensor and every 5 minutes of a span the speed, what was normal, and whether a
drop of speed was found. Rows are sensors, columns are 5 minutes; a speed or a normal that is not known is NaN.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import psycopg
from psycopg.rows import class_row

from spark.calendar import STEP_S, Calendar, Moment
from spark.spans import Span
from urbanclear.errors import ConfigurationError

_SENSORS: Final = """
    SELECT id, external_id AS sensor, name,
           CASE geometry ->> 'type' WHEN 'LineString' THEN geometry -> 'coordinates'
                                    WHEN 'Point' THEN jsonb_build_array(geometry -> 'coordinates') END AS line,
           lat, lon
    FROM sensors ORDER BY id
"""
_SPEEDS: Final = """
    SELECT sensor_id, extract(epoch FROM time)::bigint, speed_kmh
    FROM readings_5m WHERE time >= %s AND time < %s AND speed_kmh IS NOT NULL
"""
_NORMAL: Final = "SELECT subject, day_type, minute, speed_kmh FROM profiles WHERE subject_kind = 'sensor'"
_DROPS: Final = """
    SELECT sensor_id, extract(epoch FROM time)::bigint, extract(epoch FROM coalesce(ended_at, %s))::bigint
    FROM anomalies WHERE kind = 'speed_drop' AND time >= %s AND time < %s ORDER BY time, sensor_id
"""

_INCIDENTS: Final = """
    SELECT extract(epoch FROM started_at)::bigint AS started, lat, lon
    FROM incidents
    WHERE started_at >= %s AND started_at < %s AND lat IS NOT NULL AND lon IS NOT NULL
    ORDER BY started_at, id
"""
_FALLEN: Final = """
    SELECT extract(epoch FROM time)::bigint, avg(precipitation_mm)
    FROM weather WHERE time >= %s AND time < %s AND precipitation_mm IS NOT NULL GROUP BY 1 ORDER BY 1
"""


@dataclass(frozen=True)
class Place:
    """A sensor and the line that it measures, in degrees of longitude and latitude; that of a point has one place."""

    id: int
    sensor: str
    name: str
    line: list[list[float]] | None
    lat: float | None
    lon: float | None

    @property
    def places(self) -> np.ndarray:
        """Longitude and latitude, a row a place; none where it is not known where the sensor is."""
        known = self.line or ([[self.lon, self.lat]] if self.lat is not None and self.lon is not None else [])
        return np.array([place[:2] for place in known], float).reshape(-1, 2)


@dataclass(frozen=True)
class Drop:
    """Of a sensor, by its row, from the column `first` until just before `end`."""

    row: int
    first: int
    end: int


@dataclass(frozen=True)
class Incident:
    """Where and when (epoch, s) it began."""

    started: int
    lat: float
    lon: float


@dataclass(frozen=True)
class Observed:
    """A span of a city; `fallen` is what fell in the hours up to these epochs, mm."""

    sensors: list[Place]
    moments: list[Moment]
    speeds: np.ndarray
    normal: np.ndarray
    drops: list[Drop]
    incidents: list[Incident]
    fallen: list[tuple[int, float]]

    @property
    def start(self) -> int:
        """Epoch of the first 5 minutes."""
        return self.moments[0].epoch

    @property
    def days(self) -> list[date]:
        return sorted({moment.day for moment in self.moments})

    def column_of(self, epoch: int) -> int:
        return _column(epoch, self.start)

    def columns_of(self, day: date) -> np.ndarray:
        return np.array([at for at, moment in enumerate(self.moments) if moment.day == day])

    def dropping(self) -> np.ndarray:
        """Where a drop lasts."""
        found = np.zeros(self.speeds.shape, bool)
        for drop in self.drops:
            found[drop.row, drop.first : drop.end] = True
        return found


def observed(database_url: str, span: Span, calendar: Calendar) -> Observed:
    """What the database has of the span; raises `ConfigurationError` where nothing was found or nothing is normal."""
    bounds = (span.start, span.end)
    with psycopg.connect(database_url) as connection:
        sensors = connection.cursor(row_factory=class_row(Place)).execute(_SENSORS).fetchall()
        speeds = connection.execute(_SPEEDS, bounds).fetchall()
        normal = connection.execute(_NORMAL).fetchall()
        incidents = connection.cursor(row_factory=class_row(Incident)).execute(_INCIDENTS, bounds).fetchall()
        fallen = connection.execute(_FALLEN, bounds).fetchall()
        drops = connection.execute(_DROPS, (span.end, *bounds)).fetchall()
    if not speeds or not normal or not drops:
        raise ConfigurationError(
            f"There is nothing to review from {span.start} to {span.end}: run `urbanclear spark patterns` and "
            f"`urbanclear spark anomalies` over these days first."
        )
    moments = [*calendar.moments(span)]
    row_of, start = {sensor.id: row for row, sensor in enumerate(sensors)}, moments[0].epoch
    return Observed(
        sensors,
        moments,
        _speeds(speeds, row_of, moments),
        _normal(normal, sensors, moments),
        [Drop(row_of[sensor], _column(first, start), _column(end, start)) for sensor, first, end in drops],
        incidents,
        fallen,
    )


def _column(epoch: int, start: int) -> int:
    return (epoch - start) // STEP_S


def _speeds(rows: list[tuple[Any, ...]], row_of: Mapping[int, int], moments: list[Moment]) -> np.ndarray:
    found = np.full((len(row_of), len(moments)), np.nan)
    sensors, epochs, speeds = zip(*rows, strict=True)
    columns = (np.array(epochs) - moments[0].epoch) // STEP_S
    found[[row_of[sensor] for sensor in sensors], columns] = speeds
    return found


def _normal(rows: Iterable[tuple[Any, ...]], sensors: list[Place], moments: list[Moment]) -> np.ndarray:
    known = {(subject, day_type, minute): speed for subject, day_type, minute, speed in rows}
    times = [(moment.day_type, moment.minute) for moment in moments]
    return np.array([[known.get((one.sensor, *time), np.nan) for time in times] for one in sensors])
