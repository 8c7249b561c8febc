"""A small town with two weeks of traffic whose delays are known beforehand.

Corridors of one link of 1 km at 60 km/h free flow, driven by 1,200 vehicles an hour. An hour at half that speed costs
1,200 / 60 = 20 vehicle hours. The first week is that of Monday, 23 February 2026, the second that of 2 March, UTC.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tests.schema.city import METRES_PER_DEGREE, City, Reading, every_5_minutes, hours

FORMER = datetime(2026, 2, 23, tzinfo=UTC)
WEEK = datetime(2026, 3, 2, tzinfo=UTC)
FREE, SLOW, VOLUME = 60.0, 30.0, 1200.0
HOUR_COSTS = VOLUME / 60
OBSERVED_HOURS = 8


async def link(city: City, road: str, number: int = 0, **columns: Any) -> int:
    """A sensor on a road of its own, northwards; returns its id."""
    place = {"lat": 40 + number * 1000 / METRES_PER_DEGREE, "lon": -73.9, "direction": "N"}
    return await city.sensor(
        f"{road}-{number}", road=road, length_m=1000, free_flow_speed_kmh=FREE, **{**place, **columns}
    )


def mornings(
    sensor: int, monday: datetime, slow_hours: Mapping[int, int], volume: float | None = VOLUME
) -> Iterator[Reading]:
    """Seven days from 6 to 14 h; on the day with that number the first hours are slow."""
    for day in range(7):
        slow = slow_hours.get(day, 0)
        speeds = [SLOW] * 12 * slow + [FREE] * 12 * (OBSERVED_HOURS - slow)
        yield from every_5_minutes(sensor, monday + timedelta(days=day) + hours(6), speeds, volume)


def days(monday: datetime) -> list[date]:
    """The dates of a week."""
    return [(monday + timedelta(days=number)).date() for number in range(7)]
