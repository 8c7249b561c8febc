"""Corridors as they are told."""

from functools import cache
from typing import Any, Final

from sqlalchemy import BigInteger, Table, cast, func

from api.http.shapes import Shape, rounded, shape, told
from schema.relations import congestion_scan, corridor_travel_times
from schema.tables import links

CORRIDOR: Final = shape(
    "Corridor",
    "A road in one direction, end to end",
    [
        told(links.c.corridor, example="FDR Drive N"),
        told(cast(func.count(), BigInteger), "links", "sensors along it", 4),
        told(rounded(func.sum(links.c.length_m), 0), "length_m", "of all links together, m", 12_400.0),
        told(
            rounded(func.sum(links.c.length_m * 3.6 / func.nullif(links.c.free_flow_speed_kmh, 0)), 0),
            "free_flow_travel_time_s",
            "time from end to end without other traffic, seconds; of the links whose free-flow speed is known",
            620.0,
        ),
    ],
)

_DIGITS: Final = {"travel_time_s": 1, "travel_time_index": 3, "imputed_share": 3, "good_share": 3, "speed_ratio": 3,
                  "speed_kmh": 2, "position_m": 0, "length_m": 0}  # fmt: skip


def _of(view: Table, *left_out: str) -> list[Any]:
    return [
        told(rounded(column, _DIGITS[column.name]), column.name, column.comment or "")
        if column.name in _DIGITS
        else told(column)
        for column in view.c
        if column.name not in left_out
    ]


TRAVEL_TIME: Final = shape(
    "CorridorTravelTime",
    "Travel time from end to end of a corridor in 5 minutes",
    _of(corridor_travel_times, "corridor"),
)
SCAN: Final = shape("ScanCell", "A place on a corridor in 5 minutes", _of(congestion_scan, "corridor", "sensor_id"))


@cache
def reliability(percentile: float) -> Shape:
    """One row over the travel times of a span; FHWA, Travel Time Reliability (2006)."""
    index = corridor_travel_times.c.travel_time_index
    time = corridor_travel_times.c.travel_time_s
    planning = func.percentile_cont(percentile).within_group(index)
    mean = func.avg(index)
    return shape(
        "CorridorReliability",
        "How reliable a corridor was, over a span",
        [
            told(rounded(func.avg(time), 1), "travel_time_s", "mean travel time, seconds", 810.0),
            told(rounded(mean, 3), "travel_time_index", "mean travel time over free-flow travel time", 1.31),
            told(
                rounded(planning, 3),
                "planning_time_index",
                "planning percentile of it over free flow",
                1.92,
            ),
            told(
                rounded((planning - mean) / func.nullif(mean, 0), 3),
                "buffer_index",
                "extra share of the mean travel time to be on time at the planning percentile",
                0.47,
            ),
            told(func.count(index), "buckets", "of 5 minutes with good readings", 288),
            told(
                rounded(func.avg(corridor_travel_times.c.good_share), 3), "good_share", "share of good readings", 0.99
            ),
        ],
    )
