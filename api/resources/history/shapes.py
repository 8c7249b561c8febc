"""A stretch of time as it is told: the same fields at every level."""

from functools import cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Double, Table, case, cast, func, literal

from api.http.shapes import Shape, Told, rounded, shape, told
from api.resources.history.levels import Level
from schema.relations import rollups
from schema.rollups import MEASURES
from schema.tables import readings

SENSOR_LEVELS: Final = {
    Level.FIVE_MINUTES: rollups["readings_5m"],
    Level.HOUR: rollups["readings_1h"],
    Level.DAY: rollups["readings_1d"],
}
AREA_LEVELS: Final = {
    Level.FIVE_MINUTES: rollups["area_5m"],
    Level.HOUR: rollups["area_1h"],
    Level.DAY: rollups["area_1d"],
}
_MEANINGS: Final = {
    "speed_kmh": "mean speed, km/h",
    "volume_vph": "mean volume, vehicles per hour",
    "occupancy": "mean share of time a vehicle covers the detector, 0 to 1",
    "travel_time_s": "mean time over the link, seconds",
}
_DIGITS: Final = {"speed_kmh": 2, "volume_vph": 1, "occupancy": 4, "travel_time_s": 1}


@cache
def of_rollup(table: Table) -> Shape:
    """One row a bucket of the rollup."""
    return _history(
        {name: table.c[name] for name in MEASURES}, deviation(table), table.c.readings, _share(table), table
    )


@cache
def of_city(table: Table) -> Shape:
    """One row a bucket over all rows of the rollup, to be grouped by time."""
    sums = {
        name: func.sum(table.c[f"{name}_sum"]) / func.nullif(func.sum(table.c[f"{name}_count"]), 0)
        for name in MEASURES
    }
    return _history(sums, _deviation(*_sums(table)), func.sum(table.c.readings), _share_of_sums(table), table)


@cache
def of_readings() -> Shape:
    """One row a reading; what is flagged has a share of 0."""
    share = case((readings.c.flag.is_(None), 1.0), else_=0.0)
    values = {name: readings.c[name] for name in MEASURES}
    return _history(values, cast(literal(None), Double), literal(1), share, readings, digits=None)


def deviation(table: Table) -> ColumnElement[Any]:
    """Of speeds within the bucket, from its sums; NULL for fewer than two."""
    return _deviation(table.c.speed_kmh_count, table.c.speed_kmh_sum, table.c.speed_kmh_sum_sq)


def _sums(table: Table) -> tuple[Any, Any, Any]:
    return (
        func.sum(table.c.speed_kmh_count),
        func.sum(table.c.speed_kmh_sum),
        func.sum(table.c.speed_kmh_sum_sq),
    )


def _deviation(count: Any, total: Any, squares: Any) -> ColumnElement[Any]:
    variance = (squares - total * total / func.nullif(count, 0)) / func.nullif(count - 1, 0)
    return func.sqrt(func.greatest(variance, 0))


def _share(table: Table) -> ColumnElement[Any]:
    return cast(table.c.good, Double) / func.nullif(table.c.readings, 0)


def _share_of_sums(table: Table) -> ColumnElement[Any]:
    return cast(func.sum(table.c.good), Double) / func.nullif(func.sum(table.c.readings), 0)


def _history(
    means: dict[str, Any], sd: Any, count: Any, share: Any, table: Table, digits: dict[str, int] | None = _DIGITS
) -> Shape:
    measures = [_measure(name, value, digits) for name, value in means.items()]
    return shape(
        "History",
        "A stretch of time",
        [
            told(
                table.c.time, "time", "start of the bucket, or when the reading was observed", "2026-03-02T12:00:00Z"
            ),
            *measures,
            told(rounded(sd, 2), "speed_sd_kmh", "standard deviation of the speeds in it, km/h", 6.1),
            told(count, "readings", "how many readings are behind it, flagged ones included", 10),
            told(rounded(share, 3), "good_share", "share of them that are good, 0 to 1", 1.0),
        ],
    )


def _measure(name: str, value: Any, digits: dict[str, int] | None) -> Told:
    return told(value if digits is None else rounded(value, digits[name]), name, _MEANINGS[name])
