"""The rollups: what is kept of readings at 5 minutes, an hour and a day, by sensor and by area.

    readings ─► readings_5m ─► readings_1h ─► readings_1d
                     └───────► area_5m ─────► area_1h ─────► area_1d

Each holds counts, sums and sums of squares, so that means and deviations stay exact at every level, and the extremes.
Readings that carry a flag are counted and left out of everything else. In the schema `rollup` they are continuous
aggregates, or tables and views of the same names on plain PostgreSQL; the views of the same names in `public` add
means and are what everyone reads.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import Final

MEASURES: Final = ("speed_kmh", "volume_vph", "occupancy", "travel_time_s")
UNASSIGNED: Final = "unassigned"
"""The area of sensors that have none."""


class Flag(IntEnum):
    """Why a stored reading is left out of every mean; NULL for a good one."""

    IMPLAUSIBLE = 1
    STUCK = 2
    LATE = 3


@dataclass(frozen=True)
class Rollup:
    """One level: rows by `key` (`sensor_id` or `area`) and `time`, the start of a bucket as wide as `width`."""

    name: str
    source: str
    key: str
    width: timedelta

    @property
    def of_readings(self) -> bool:
        """Whether it is computed from readings, or from another rollup."""
        return self.source == "readings"

    @property
    def is_finest(self) -> bool:
        """Whether it has the narrowest buckets, which are not kept for ever."""
        return self.width == FIVE_MINUTES

    @property
    def regroups(self) -> bool:
        """Whether it gathers the sensors of its source into areas."""
        return self.key == "area" and not self.source.startswith("area")

    @property
    def key_type(self) -> str:
        return "integer" if self.key == "sensor_id" else "text"


FIVE_MINUTES, HOUR, DAY = timedelta(minutes=5), timedelta(hours=1), timedelta(days=1)

ROLLUPS: Final = (
    Rollup("readings_5m", "readings", "sensor_id", FIVE_MINUTES),
    Rollup("readings_1h", "readings_5m", "sensor_id", HOUR),
    Rollup("readings_1d", "readings_1h", "sensor_id", DAY),
    Rollup("area_5m", "readings_5m", "area", FIVE_MINUTES),
    Rollup("area_1h", "area_5m", "area", HOUR),
    Rollup("area_1d", "area_1h", "area", DAY),
)


@dataclass(frozen=True)
class RollupColumn:
    """A column of every rollup: its type, its aggregate over readings, and over a finer rollup."""

    name: str
    type: str
    of_readings: str
    of_rollup: str
    comment: str


def _columns() -> Iterator[RollupColumn]:
    yield _count("readings", "", "readings stored, flagged ones included")
    yield _count("good", "flag IS NULL", "readings without a flag, those that the measures are of")
    yield _count("implausible", f"flag = {Flag.IMPLAUSIBLE:d}", "readings outside of what is plausible")
    yield _count("stuck", f"flag = {Flag.STUCK:d}", "readings of a sensor that repeats itself")
    for measure in MEASURES:
        value = f"{measure}::float8"
        good = " FILTER (WHERE flag IS NULL)"
        yield RollupColumn(
            f"{measure}_count",
            "integer",
            f"(count({measure}){good})::integer",
            f"sum({measure}_count)::integer",
            f"good readings that have {measure}",
        )
        for name, kind, aggregate, argument, comment in (
            ("sum", "double precision", "sum", value, f"sum of {measure}"),
            ("sum_sq", "double precision", "sum", f"{value} * {value}", f"sum of the squares of {measure}"),
            ("min", "real", "min", measure, f"least {measure}"),
            ("max", "real", "max", measure, f"greatest {measure}"),
        ):
            column = f"{measure}_{name}"
            yield RollupColumn(column, kind, f"{aggregate}({argument}){good}", f"{aggregate}({column})", comment)


def _count(name: str, condition: str, comment: str) -> RollupColumn:
    filtered = f" FILTER (WHERE {condition})" if condition else ""
    return RollupColumn(name, "integer", f"(count(*){filtered})::integer", f"sum({name})::integer", comment)


COLUMNS: Final = tuple(_columns())
